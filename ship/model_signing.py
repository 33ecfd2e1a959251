"""OpenSSF Model Signing on demand: a signature beside a bundle that others' tools verify, without TUF and without us.

It does not replace the repository's keys: nothing on a board looks at it. What is signed is the unpacked bundle, a file
and its digest each (https://github.com/ossf/model-signing-spec), by an EC key. So does anybody verify it:

    mkdir bundle && tar -xf NAME.sepia -C bundle
    model_signing verify key bundle --signature NAME.sig --public_key public.pem
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import RuntimeUnavailable, TrustError
from ..files import replacing
from .agent import archive
from .host_error import host_error

if TYPE_CHECKING:
    from model_signing.signing import Config

__all__ = ["sign"]

_ACCEPTED = "a PEM file of an EC private key (P-256, P-384 or P-521)"


def sign(bundle: Path, private_key: Path, *, password: str | None = None) -> Path:
    """Write the signature of a bundle, or of a folder that one was unpacked to, as NAME.sig beside it; its path.

    The bundle is checked before. private_key: PEM. Raises RuntimeUnavailable where the extra is not installed,
    TrustError for a key that can't be used, InputError for a bundle that is not whole, and OutputError.
    """
    signer = _signer(private_key, password)
    with tempfile.TemporaryDirectory(prefix="sepia-signing-") as made, host_error():
        name = bundle.resolve().name if bundle.is_dir() else bundle.name.removesuffix(".sepia")
        folder = bundle if bundle.is_dir() else Path(made) / name
        if bundle.is_dir():
            archive.verify(bundle)
        else:
            archive.unpack(bundle, folder)
        signature = bundle.resolve().with_name(f"{name}.sig")
        with replacing(signature) as partial:
            signer.sign(folder, partial)
    return signature


def _signer(private_key: Path, password: str | None) -> Config:
    try:
        from model_signing import signing
    except ImportError as error:
        raise RuntimeUnavailable(
            "OpenSSF Model Signing",
            f"is not installed here ({error})",
            hint="install it with: pip install 'sepia-edge[model-signing]'",
        ) from error
    config = signing.Config()  # type: ignore[no-untyped-call]
    # The library hands the password on to `cryptography`, which takes bytes.
    secret = None if password is None else password.encode()
    try:
        config.use_elliptic_key_signer(private_key=private_key, password=secret)  # type: ignore[arg-type]
    except AttributeError as error:
        raise TrustError(str(private_key), "is a key of another kind", accepted=_ACCEPTED) from error
    except (OSError, ValueError, TypeError) as error:
        raise TrustError(str(private_key), f"cannot be used ({error})", accepted=_ACCEPTED) from error
    return config
