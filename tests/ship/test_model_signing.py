"""OpenSSF Model Signing: its own command line verifies what we sign, and refuses what was changed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from sepia.errors import InputError, RuntimeUnavailable, TrustError
from sepia.ship.agent.archive import unpack
from sepia.ship.model_signing import sign
from support.small_bundles import SmallBundle, make_small_bundle

PRIVATE = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8)
PUBLIC = (serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)


@pytest.fixture
def bundle(tmp_path: Path) -> SmallBundle:
    return make_small_bundle(tmp_path, "1.0.0")


def _key(folder: Path, password: bytes | None = None, name: str = "key") -> Path:
    key = ec.generate_private_key(ec.SECP256R1())
    sealed = serialization.BestAvailableEncryption(password) if password else serialization.NoEncryption()
    (folder / f"{name}.pem").write_bytes(key.private_bytes(*PRIVATE, sealed))
    (folder / f"{name}.pub").write_bytes(key.public_key().public_bytes(*PUBLIC))
    return folder / f"{name}.pem"


def _their_tool(folder: Path, signature: Path, public: Path) -> subprocess.CompletedProcess[str]:
    words = ["verify", "key", str(folder), "--signature", str(signature), "--public_key", str(public)]
    return subprocess.run(
        [sys.executable, "-m", "model_signing", *words], capture_output=True, text=True, check=False, timeout=60
    )


def test_their_own_tool_verifies_it_and_refuses_one_changed_byte(bundle: SmallBundle, tmp_path: Path) -> None:
    key = _key(tmp_path)
    signature = sign(bundle.path, key)
    assert signature == bundle.path.with_suffix(".sig")
    folder = tmp_path / "folder"
    unpack(bundle.path, folder)
    good = _their_tool(folder, signature, tmp_path / "key.pub")
    assert good.returncode == 0 and "Verification succeeded" in good.stdout
    data = bytearray((folder / "payload.bin").read_bytes())
    data[77] ^= 1
    (folder / "payload.bin").write_bytes(data)
    spoilt = _their_tool(folder, signature, tmp_path / "key.pub")
    assert spoilt.returncode == 1 and "payload.bin" in spoilt.stdout + spoilt.stderr


def test_an_unpacked_folder_is_signed_as_its_bundle_is(bundle: SmallBundle, tmp_path: Path) -> None:
    """A folder's name may have dots. One file more is told."""
    from model_signing import verifying

    folder = tmp_path / "lite0-1.0.0"
    unpack(bundle.path, folder)
    signature = sign(folder, _key(tmp_path, b"secret"), password="secret")
    assert signature == tmp_path / "lite0-1.0.0.sig"
    config = verifying.Config().use_elliptic_key_verifier(public_key=tmp_path / "key.pub")
    config.verify(folder, signature)
    (folder / "more").write_text("x")
    with pytest.raises(ValueError, match=r"Extra files found .* more"):
        config.verify(folder, signature)


def test_another_key_does_not_verify_it(bundle: SmallBundle, tmp_path: Path) -> None:
    from model_signing import verifying

    signature = sign(bundle.path, _key(tmp_path))
    _key(tmp_path, name="other")
    unpack(bundle.path, tmp_path / "folder")
    with pytest.raises(ValueError):
        verifying.Config().use_elliptic_key_verifier(public_key=tmp_path / "other.pub").verify(
            tmp_path / "folder", signature
        )


@pytest.mark.parametrize("password", [None, "wrong"])
def test_a_sealed_key_without_its_password_is_refused(
    bundle: SmallBundle, tmp_path: Path, password: str | None
) -> None:
    with pytest.raises(TrustError, match=r"key\.pem: cannot be used"):
        sign(bundle.path, _key(tmp_path, b"secret"), password=password)
    assert not bundle.path.with_suffix(".sig").exists()


def test_a_key_of_another_kind_is_refused(bundle: SmallBundle, tmp_path: Path) -> None:
    key = ed25519.Ed25519PrivateKey.generate().private_bytes(*PRIVATE, serialization.NoEncryption())
    (tmp_path / "ed.pem").write_bytes(key)
    with pytest.raises(TrustError, match="is a key of another kind; accepted: a PEM file of an EC private key"):
        sign(bundle.path, tmp_path / "ed.pem")
    with pytest.raises(TrustError, match="No such file"):
        sign(bundle.path, tmp_path / "none.pem")


def test_a_bundle_that_is_not_whole_is_not_signed(bundle: SmallBundle, tmp_path: Path) -> None:
    bundle.path.write_bytes(bundle.path.read_bytes()[:-1])
    with pytest.raises(InputError, match="cut short"):
        sign(bundle.path, _key(tmp_path))
    assert not bundle.path.with_suffix(".sig").exists()


def test_without_the_extra_one_line_says_what_to_install(
    bundle: SmallBundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "model_signing", None)
    with pytest.raises(RuntimeUnavailable) as caught:
        sign(bundle.path, _key(tmp_path))
    assert "pip install 'sepia-edge[model-signing]'" in str(caught.value)
    assert "\n" not in str(caught.value)
