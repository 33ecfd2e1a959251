"""A folder of ed25519 keys in OpenSSH's own format: NAME, encrypted and of mode 0600, and NAME.pub, for everybody.

`ssh-keygen -p -f NAME` changes a passphrase, and what stores SSH keys stores these.
"""

from __future__ import annotations

import base64
import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import ConfigError, InputError, OutputError, TrustError, nearest
from ..files import replacing, write_text
from . import passphrase

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
    from securesystemslib.signer import CryptoSigner, SSlibKey

__all__ = ["Key", "KeyStore"]

_NAME = re.compile(r"[a-z0-9][a-z0-9.-]{0,63}")
_ROUNDS = 32
"""Of bcrypt_pbkdf: twice what ssh-keygen takes. (PKCS#8 by `cryptography` has 2048 of PBKDF2, too few.)"""

_ACCEPTED = "an ed25519 key as ssh-keygen writes it (NAME.pub)"

Ask = Callable[[str], bytes]


@dataclass(frozen=True)
class Key:
    """name: its file's. keyid: hex, as metadata calls it. here: whether the private half is in this folder."""

    name: str
    keyid: str
    public: SSlibKey
    here: bool


class KeyStore:
    """folder: made by the first `new`. ask, ask_new: give the passphrase of the key that is named to them."""

    def __init__(self, folder: Path, *, ask: Ask = passphrase.ask, ask_new: Ask = passphrase.ask_new) -> None:
        self.folder = folder
        self._ask, self._ask_new = ask, ask_new
        self._signers: dict[str, CryptoSigner] = {}

    def new(self, name: str, *, encrypted: bool = True) -> Key:
        """Make a key pair. encrypted: with a passphrase. Raises ConfigError (name taken, passphrase), OutputError."""
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
        from securesystemslib.signer import SSlibKey

        if not _NAME.fullmatch(name):
            raise ConfigError(
                "key", f"{name!r} is no name of a key", accepted="lower-case letters, digits, '-' and '.'"
            )
        if self._public(name).exists() or self._private(name).exists():
            raise ConfigError(str(self._private(name)), "is there already", hint="choose another name")
        private = Ed25519PrivateKey.generate()
        secret = self._ask_new(f"key '{name}'") if encrypted else None
        public = SSlibKey.from_crypto(private.public_key())
        self._write_private(name, _pem(private, secret))
        write_text(self._public(name), _line(private.public_key(), name))
        return Key(name, public.keyid, public, True)

    def add(self, file: Path) -> Key:
        """Take somebody else's NAME.pub into the folder. Raises InputError, ConfigError."""
        found = _read_public(file.stem, file, here=False)
        if self._public(found.name).exists() and self.key(found.name).keyid != found.keyid:
            raise ConfigError(str(self._public(found.name)), "is there already and another key", hint="rename the file")
        write_text(self._public(found.name), file.read_text(encoding="utf-8"))
        return self.key(found.name)

    def names(self) -> tuple[str, ...]:
        return tuple(sorted(path.stem for path in self.folder.glob("*.pub"))) if self.folder.is_dir() else ()

    def keys(self) -> tuple[Key, ...]:
        return tuple(self.key(name) for name in self.names())

    def key(self, name: str) -> Key:
        """Raises ConfigError with the nearest names if there is none."""
        if name not in self.names():
            known = nearest(name, self.names()) if self.names() else ""
            hint = f"sepia ship keys new {name}" if _NAME.fullmatch(name) else ""
            raise ConfigError(str(self.folder), f"has no key '{name}'", accepted=known, hint=hint)
        return _read_public(name, self._public(name), here=self._private(name).is_file())

    def holding(self, keyids: Any) -> tuple[Key, ...]:
        """Those of `keyids` whose private half is here."""
        wanted = set(keyids)
        return tuple(key for key in self.keys() if key.here and key.keyid in wanted)

    def signer(self, name: str) -> CryptoSigner:
        """Raises TrustError (wrong passphrase, spoilt or foreign file), ConfigError (no such key)."""
        if name not in self._signers:
            self._signers[name] = self._opened(self.key(name))
        return self._signers[name]

    def _opened(self, key: Key) -> CryptoSigner:
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
        from securesystemslib.signer import CryptoSigner

        path = self._private(key.name)
        if not key.here:
            raise TrustError(str(path), "is not here", hint="whoever holds it signs with: sepia ship keys sign")
        private = _loaded(path, lambda: self._ask(f"key '{key.name}'"))
        if not isinstance(private, Ed25519PrivateKey):
            raise TrustError(str(path), "is no ed25519 key")
        signer = CryptoSigner(private)
        if signer.public_key.keyid != key.keyid:
            raise TrustError(str(path), f"does not belong to {self._public(key.name).name}")
        return signer

    def _write_private(self, name: str, pem: bytes) -> None:
        path = self._private(name)
        try:
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as error:
            raise OutputError(str(self.folder), f"cannot be made ({error.strerror})") from error
        with replacing(path) as partial:
            descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.write(pem)
                file.flush()
                os.fsync(file.fileno())

    def _private(self, name: str) -> Path:
        return self.folder / name

    def _public(self, name: str) -> Path:
        return self.folder / f"{name}.pub"


def _pem(private: Ed25519PrivateKey, secret: bytes | None) -> bytes:
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    if secret is None:
        return private.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption())
    builder = PrivateFormat.OpenSSH.encryption_builder().kdf_rounds(_ROUNDS)
    return private.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, builder.build(secret))


def _line(public: Ed25519PublicKey, name: str) -> str:
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    return f"{public.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()} {name}\n"


def _loaded(path: Path, ask: Callable[[], bytes]) -> Any:
    from cryptography.hazmat.primitives.serialization import load_ssh_private_key

    try:
        pem = path.read_bytes()
        return load_ssh_private_key(pem, None if _is_open(pem) else ask())
    except OSError as error:
        raise InputError(str(path), f"cannot be read ({error.strerror})") from error
    except (ValueError, TypeError) as error:
        hint = "run it again with the right passphrase"
        raise TrustError(str(path), "cannot be opened: a wrong passphrase, or a spoilt file", hint=hint) from error


def _is_open(pem: bytes) -> bool:
    """Whether a key has no passphrase: the format names its cipher behind its magic and a length."""
    try:
        body = base64.b64decode(b"".join(pem.splitlines()[1:-1]))
    except ValueError:
        return False
    return body.startswith(b"openssh-key-v1\0\0\0\0\4none")


def _read_public(name: str, path: Path, *, here: bool) -> Key:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.serialization import load_ssh_public_key
    from securesystemslib.signer import SSlibKey

    try:
        public = load_ssh_public_key(path.read_bytes())
    except OSError as error:
        raise InputError(str(path), f"cannot be read ({error.strerror})") from error
    except ValueError as error:
        raise InputError(str(path), "is no public key", accepted=_ACCEPTED) from error
    if not isinstance(public, Ed25519PublicKey):
        raise InputError(str(path), "is a key of another kind", accepted=_ACCEPTED)
    known = SSlibKey.from_crypto(public)
    return Key(name, known.keyid, known, here)
