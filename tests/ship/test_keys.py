"""Keys are made, kept and opened; whoever lacks the passphrase or the right file is told so."""

from __future__ import annotations

import stat
import subprocess
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    PublicFormat,
)
from sepia.errors import InputError, TrustError
from sepia.ship import keys as module
from sepia.ship.keys import KeyStore, read_public
from sepia.ship.passphrase import none
from support.needs import need_programs

SECRET = b"correct horse"


@pytest.fixture(autouse=True)
def few_rounds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "ROUNDS", 1)


def given(secret: bytes, asked: list[tuple[str, bool]] | None = None) -> module.passphrases.Passphrase:
    def passphrase(whose: str, new: bool) -> bytes:
        (asked if asked is not None else []).append((whose, new))
        return secret

    return passphrase


@pytest.fixture
def store(tmp_path: Path) -> KeyStore:
    return KeyStore(tmp_path / "keys", given(SECRET))


def test_a_key_signs_and_its_public_half_verifies(store: KeyStore) -> None:
    key = store.new("root-1")
    key.verify_signature(store.signer("root-1").sign(b"words"), b"words")
    assert store.names() == ("root-1",)
    assert store.named(key.keyid) == "root-1"


def test_the_private_half_is_encrypted_and_for_its_owner_alone(store: KeyStore) -> None:
    store.new("root-1")
    path = store.folder / "root-1"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(store.folder.stat().st_mode) == 0o700
    assert path.read_bytes().startswith(b"-----BEGIN OPENSSH PRIVATE KEY-----")
    with pytest.raises(TrustError, match=r"root-1: cannot be opened: a wrong passphrase, or a damaged file"):
        KeyStore(store.folder, given(b"wrong one")).signer("root-1")
    with pytest.raises(TrustError, match="is guarded by a passphrase"):
        KeyStore(store.folder, none).signer("root-1")


def test_ssh_keygen_reads_what_was_written_and_changes_its_passphrase(store: KeyStore) -> None:
    need_programs(ssh_keygen="openssh-client")
    store.new("root-1")
    path = store.folder / "root-1"
    shown = subprocess.run(
        ["ssh-keygen", "-y", "-P", SECRET.decode(), "-f", path], check=True, capture_output=True, text=True
    )
    assert shown.stdout.split()[:2] == (store.folder / "root-1.pub").read_text().split()[:2]
    subprocess.run(
        ["ssh-keygen", "-q", "-p", "-P", SECRET.decode(), "-N", "another one", "-f", path],
        check=True,
        capture_output=True,
    )
    KeyStore(store.folder, given(b"another one")).signer("root-1")


def test_many_rounds_guard_a_key(store: KeyStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    assert module.ROUNDS >= 24  # ssh-keygen's default
    store.new("root-1")
    blob = (store.folder / "root-1").read_text().split("-----")[2]
    import base64

    data = base64.b64decode(blob)
    rounds = data.index(b"bcrypt") + 6 + 4 + 4 + 16
    assert int.from_bytes(data[rounds : rounds + 4], "big") == module.ROUNDS


def test_a_passphrase_is_asked_for_once_in_a_command(tmp_path: Path) -> None:
    asked: list[tuple[str, bool]] = []
    store = KeyStore(tmp_path, given(SECRET, asked))
    for name in ("a", "b"):
        store.new(name)
        store.signer(name)
    assert asked == [("a", True)]
    asked.clear()
    again = KeyStore(tmp_path, given(SECRET, asked))
    for name in ("a", "b", "a"):
        again.signer(name)
    assert asked == [("a", False)]


def test_a_key_without_a_passphrase_is_opened_without_asking(tmp_path: Path) -> None:
    KeyStore(tmp_path, none).new("bare")
    asked: list[tuple[str, bool]] = []
    KeyStore(tmp_path, given(SECRET, asked)).signer("bare")
    assert asked == []


@pytest.mark.parametrize("secret", [None, SECRET])
def test_pkcs8_made_by_others_is_read(tmp_path: Path, secret: bytes | None) -> None:
    from cryptography.hazmat.primitives.serialization import NoEncryption

    private = Ed25519PrivateKey.generate()
    guard = BestAvailableEncryption(secret) if secret else NoEncryption()
    (tmp_path / "theirs").write_bytes(private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, guard))
    (tmp_path / "theirs").chmod(0o600)
    public = private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    (tmp_path / "theirs.pub").write_bytes(public)
    store = KeyStore(tmp_path, given(SECRET))
    store.public("theirs").verify_signature(store.signer("theirs").sign(b"words"), b"words")


def test_anothers_public_half_is_taken_in_once(store: KeyStore, tmp_path: Path) -> None:
    other = KeyStore(tmp_path / "other", none)
    key = other.new("alice")
    for _ in range(2):
        assert store.add_public("alice", other.folder / "alice.pub").keyid == key.keyid
    assert not store.can_sign("alice")
    with pytest.raises(TrustError, match=r"has of 'alice' the public half alone; next: .*keys sign"):
        store.signer("alice")
    other.new("bob")
    with pytest.raises(TrustError, match=r"alice\.pub: is there already"):
        store.add_public("alice", other.folder / "bob.pub")


def test_a_key_is_never_written_over(store: KeyStore) -> None:
    store.new("root-1")
    before = (store.folder / "root-1").read_bytes()
    with pytest.raises(TrustError, match="root-1: is there already; next: choose another name"):
        store.new("root-1")
    assert (store.folder / "root-1").read_bytes() == before


@pytest.mark.parametrize("name", ["../root", "", "Root", ".x", "a/b", "x.pub", "-x"])
def test_names_stay_in_the_folder(store: KeyStore, name: str) -> None:
    with pytest.raises(TrustError, match="is no name of a key"):
        store.new(name)


def test_a_key_that_others_can_read_is_refused(store: KeyStore) -> None:
    store.new("root-1")
    (store.folder / "root-1").chmod(0o640)
    with pytest.raises(TrustError, match="others than its owner may read it; next: chmod 600"):
        store.signer("root-1")


def test_halves_that_do_not_belong_together(store: KeyStore) -> None:
    store.new("a")
    store.new("b")
    (store.folder / "b").replace(store.folder / "a")
    with pytest.raises(TrustError, match=r"is not the other half of a\.pub"):
        store.signer("a")


def test_an_unknown_key_is_told_with_the_nearest(store: KeyStore) -> None:
    store.new("snapshot")
    with pytest.raises(
        TrustError, match=r"has no key 'snapshoot'; accepted: did you mean snapshot\?; next: .*keys new"
    ):
        store.public("snapshoot")


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"hello", "is no public key; accepted: a line ssh-ed25519"),
        (b"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n", "is no public key"),
        (
            b"ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBKoT9Q8uP5VbSSY6PHr6oXJm"
            b"W0u7eO4J3C2VnZ6K2pC0yS8QKqJ0y2K3sXh8gU0mV3s1sVq8y1z0wq0v7Qm5lKk=",
            "is no public key",
        ),
    ],
)
def test_what_is_no_key_is_refused(tmp_path: Path, data: bytes, told: str) -> None:
    path = tmp_path / "odd.pub"
    path.write_bytes(data)
    with pytest.raises(TrustError, match=rf"odd\.pub: {told}"):
        read_public(path)
    with pytest.raises(InputError, match=r"gone\.pub: cannot be read"):
        read_public(tmp_path / "gone.pub")
