"""Keys of ed25519 in a folder, as OpenSSH keeps them: NAME, encrypted and of mode 0600, and NAME.pub beside it.

OpenSSH's format (PROTOCOL.key: bcrypt, AES-256-CTR), because what `cryptography` writes as PKCS #8, and the MAC of what
it writes as PKCS #12, is guarded by 2048 cheap rounds alone; `ssh-keygen -p -f NAME` changes a passphrase. A private
key that somebody else made is read as OpenSSH's or as PKCS #8. Of another person's key the folder holds NAME.pub alone.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import InputError, OutputError, TrustError, nearest
from ..files import replacing
from . import passphrase as passphrases

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from securesystemslib.signer import Key, Signer

__all__ = ["ROUNDS", "KeyStore", "read_public"]

ROUNDS = 32
"""Of bcrypt_pbkdf: a quarter of a second for one guess on a desktop's core. ssh-keygen's own default is 24."""

_NAME = re.compile(r"[a-z0-9][a-z0-9.@_-]{0,127}")
_PUBLIC = ".pub"
_MOST_BYTES = 1 << 14


class KeyStore:
    """folder: need not be there yet. passphrase: what opens a key, and guards a new one.

    A key that was opened stays open as long as the store is held, and a passphrase that was given is tried on the next
    key and guards the next new one: nobody types it twice in a command. `ssh-keygen -p` gives a key another.
    """

    def __init__(self, folder: Path, passphrase: passphrases.Passphrase = passphrases.ask) -> None:
        self.folder, self.passphrase = folder, passphrase
        self._open: dict[str, Signer] = {}
        self._given: list[bytes] = []
        self._chosen: list[bytes | None] = []

    def names(self) -> tuple[str, ...]:
        """Of keys of which the public half is here."""
        if not self.folder.is_dir():
            return ()
        return tuple(sorted(path.name.removesuffix(_PUBLIC) for path in self.folder.glob(f"[!.]*{_PUBLIC}")))

    def can_sign(self, name: str) -> bool:
        """Whether the private half is here."""
        return self._private(name).is_file()

    def new(self, name: str) -> Key:
        """Make a key; its public half. Raises TrustError if the name is taken: a key is never written over."""
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

        self._refuse_taken(name)
        private = Ed25519PrivateKey.generate()
        if not self._chosen:
            self._chosen.append(self.passphrase(name, True))
        guarded = _private_bytes(private, self._chosen[0])
        self._make_folder()
        _write(self._private(name), guarded, 0o600)
        return self._keep_public(name, _public_line(private, name))

    def add_public(self, name: str, file: Path) -> Key:
        """Take in somebody else's public half, to name it in a role. Raises TrustError, InputError."""
        data = _read(file)
        key = _parsed_public(str(file), data)
        if name in self.names() and self.public(name).keyid == key.keyid:
            return key
        self._refuse_taken(name)
        self._make_folder()
        return self._keep_public(name, data)

    def public(self, name: str) -> Key:
        """Raises TrustError if there is no key of this name."""
        path = self._public(name)
        if not path.is_file():
            accepted = nearest(name, self.names()) if self.names() else ""
            hint = f"sepia ship keys new {name}"
            raise TrustError(str(self.folder), f"has no key '{name}'", accepted=accepted, hint=hint)
        return read_public(path)

    def signer(self, name: str) -> Signer:
        """Opens the private half. Raises TrustError: not here, for others to read, a wrong passphrase."""
        from securesystemslib.signer import CryptoSigner

        if name not in self._open:
            public = self.public(name)
            signer = CryptoSigner(self._opened(name))
            if signer.public_key.keyid != public.keyid:
                raise TrustError(str(self._private(name)), f"is not the other half of {name}{_PUBLIC} beside it")
            self._open[name] = signer
        return self._open[name]

    def named(self, keyid: str) -> str | None:
        """What the key is called here, if it is known."""
        return self._by_keyid().get(keyid)

    def readiest(self, keyids: Iterable[str]) -> str | None:
        """One of these keys that can sign here; one that is open already, if there is any, costs nobody anything."""
        known = self._by_keyid()
        here = [known[keyid] for keyid in keyids if keyid in known and self.can_sign(known[keyid])]
        return min(here, key=lambda name: (name not in self._open, name), default=None)

    def count(self, keyids: Iterable[str]) -> int:
        """How many of these keys can sign here."""
        known = self._by_keyid()
        return sum(keyid in known and self.can_sign(known[keyid]) for keyid in keyids)

    def _by_keyid(self) -> dict[str, str]:
        return {self.public(name).keyid: name for name in self.names()}

    def _private(self, name: str) -> Path:
        if not _NAME.fullmatch(name) or name.endswith(_PUBLIC):
            raise TrustError(
                f"key '{name}'", "is no name of a key", accepted=f"{_NAME.pattern}, not ending in {_PUBLIC}"
            )
        return self.folder / name

    def _public(self, name: str) -> Path:
        return self._private(name).with_name(name + _PUBLIC)

    def _refuse_taken(self, name: str) -> None:
        for path in (self._private(name), self._public(name)):
            if path.exists():
                raise TrustError(str(path), "is there already", hint="choose another name")

    def _make_folder(self) -> None:
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise OutputError(str(self.folder), f"cannot be made ({error.strerror or error})") from error

    def _keep_public(self, name: str, line: bytes) -> Key:
        _write(self._public(name), line, 0o644)
        return read_public(self._public(name))

    def _opened(self, name: str) -> Ed25519PrivateKey:
        path = self._private(name)
        if not path.is_file():
            hint = "sign where its private half is: sepia ship keys sign"
            raise TrustError(str(self.folder), f"has of '{name}' the public half alone", hint=hint)
        if stat.S_IMODE(path.stat().st_mode) & 0o077:
            raise TrustError(str(path), "others than its owner may read it", hint=f"chmod 600 {path}")
        data = _read(path)
        try:
            return _loaded(path, data, None)
        except TypeError:  # what `cryptography` says of a key that is encrypted
            return self._opened_with_passphrase(name, path, data)

    def _opened_with_passphrase(self, name: str, path: Path, data: bytes) -> Ed25519PrivateKey:
        for secret in (*self._given, *filter(None, self._chosen)):
            with suppress(TrustError):
                return _loaded(path, data, secret)
        given = self.passphrase(name, False)
        if given is None:
            raise TrustError(str(path), "is guarded by a passphrase")
        private = _loaded(path, data, given)
        self._given.append(given)
        return private


def read_public(path: Path) -> Key:
    """Of a line `ssh-ed25519 …`, or of PEM. Raises InputError, TrustError."""
    return _parsed_public(str(path), _read(path))


def _parsed_public(where: str, data: bytes) -> Key:
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.serialization import load_pem_public_key, load_ssh_public_key
    from securesystemslib.signer import SSlibKey

    try:
        public = load_pem_public_key(data) if data.startswith(b"-----") else load_ssh_public_key(data)
    except (ValueError, UnsupportedAlgorithm) as error:
        raise TrustError(where, "is no public key", accepted="a line ssh-ed25519 …, or PEM of ed25519") from error
    if not isinstance(public, Ed25519PublicKey):
        raise TrustError(where, "is a key of another kind", accepted="ed25519")
    return SSlibKey.from_crypto(public)


def _loaded(path: Path, data: bytes, secret: bytes | None) -> Ed25519PrivateKey:
    """Raises TypeError if it is encrypted and there is no secret."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_ssh_private_key

    load = load_ssh_private_key if b"BEGIN OPENSSH" in data else load_pem_private_key
    try:
        private = load(data, secret)
    except (ValueError, UnsupportedAlgorithm) as error:
        what = "is no private key" if secret is None else "cannot be opened: a wrong passphrase, or a damaged file"
        raise TrustError(str(path), what, accepted="a key of OpenSSH, or PKCS #8") from error
    if not isinstance(private, Ed25519PrivateKey):
        raise TrustError(str(path), "is a key of another kind", accepted="ed25519")
    return private


def _private_bytes(private: Ed25519PrivateKey, secret: bytes | None) -> bytes:
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    form = PrivateFormat.OpenSSH
    if secret is None:
        return private.private_bytes(Encoding.PEM, form, NoEncryption())
    guard = form.encryption_builder().kdf_rounds(ROUNDS).build(secret)
    return private.private_bytes(Encoding.PEM, form, guard)


def _public_line(private: Ed25519PrivateKey, name: str) -> bytes:
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    line = private.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH)
    return line + b" " + name.encode() + b"\n"


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(_MOST_BYTES)
    except OSError as error:
        raise InputError(str(path), f"cannot be read ({error.strerror or error})") from error


def _write(path: Path, data: bytes, mode: int) -> None:
    with replacing(path) as partial:
        # Never readable by others, not even before it is renamed.
        descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(descriptor)
