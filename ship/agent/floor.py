"""The least that this board still believes: the highest versions that it has seen, so that nothing older comes back.

TUF keeps them by keeping the metadata themselves, and forgets what a dying disk has spoilt: an attacker may then offer
what was in force before. This file is written durably and apart from them. It is bound to the root that the operator
gave, and to the keys that signed: where a new root no longer lets those keys sign, the versions they signed count no
more (TUF specification 5.3.11, recovery from a fast-forward attack), as with TUF's own files.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from tuf.api.metadata import Metadata, Root, Signed, Snapshot

from .clock import UTC
from .durable import write_file
from .errors import Refused
from .strict_json import Reader, parsed

__all__ = ["Floor", "Seen", "read_floor"]

_KIND = "floor"
_OFTEN = timedelta(hours=12)
"""The time alone is written no more often: each write wears the card."""
_SHA256 = re.compile(r"([0-9a-f]{64})?")


@dataclass(frozen=True)
class Seen:
    """version: ≥ 0. sha256: of that file, "" if it was not seen itself. keys: that signed it, of the role's."""

    version: int
    sha256: str = ""
    keys: tuple[str, ...] = ()


@dataclass
class Floor:
    """path: where it lies. bootstrap: SHA-256 of the root given at install. said: a line about the file, or ""."""

    path: Path
    bootstrap: str
    seen: dict[str, Seen] = field(default_factory=dict)
    clock: datetime | None = None
    said: str = ""
    _written: bytes = b""

    def admit_root(self, root: Root, data: bytes = b"") -> None:
        """Refuse an older one; forget what its keys can no longer say."""
        self._admit("root", root.version, data, ())
        if all(self._holds(root, role) for role in ("timestamp", "snapshot")):
            return
        self.seen = {"root": self.seen["root"]}

    def admit(self, role: str, told: Signed, data: bytes = b"", keyids: list[str] | None = None) -> None:
        """data: the file that was verified, if it is a new one. keyids: of those who may sign it."""
        signed = Metadata.from_bytes(data).signatures.keys() if data and keyids else ()
        self._admit(role, told.version, data, tuple(sorted(set(signed) & set(keyids or ()))))
        if isinstance(told, Snapshot):
            self._admit_listed(told)

    def at(self, moment: datetime) -> None:
        """Everything was in force then."""
        if self.clock is None or moment - self.clock >= _OFTEN:
            self.clock = moment

    def save(self) -> None:
        """Only if there is something new."""
        data = self._bytes()
        if data != self._written:
            write_file(self.path, data)
            self._written = data

    def _admit_listed(self, snapshot: Snapshot) -> None:
        listed = {name.removesuffix(".json"): meta.version for name, meta in snapshot.meta.items()}
        for role in self.seen.keys() - {"root", "timestamp", "snapshot"} - listed.keys():
            raise Refused("snapshot.json", f"no longer names {role}.json, which this board has seen", kind="rollback")
        for role, version in listed.items():
            self._admit(role, version, b"", ())

    def _admit(self, role: str, version: int, data: bytes, keys: tuple[str, ...]) -> None:
        known = self.seen.get(role)
        sha256 = hashlib.sha256(data).hexdigest() if data else ""
        if known and version < known.version:
            what = f"version {version} is offered, and this board has seen {known.version}"
            raise Refused(f"{role}.json", what, kind="rollback", hint="an old version is never taken again")
        if known and version == known.version:
            if sha256 and known.sha256 and sha256 != known.sha256:
                what = f"version {version} is not the version {version} that this board has seen"
                raise Refused(
                    f"{role}.json", what, kind="mixed", hint="publish again, so that the version is a new one"
                )
            sha256, keys = sha256 or known.sha256, keys or known.keys
        self.seen[role] = Seen(version, sha256, keys)

    def _holds(self, root: Root, role: str) -> bool:
        known, may = self.seen.get(role), root.roles[role]
        return known is None or not known.keys or len(set(known.keys) & set(may.keyids)) >= may.threshold

    def _bytes(self) -> bytes:
        told = {
            "schema": 1,
            "bootstrap": self.bootstrap,
            "clock": self.clock.isoformat() if self.clock else None,
            "seen": {role: asdict(seen) for role, seen in sorted(self.seen.items())},
        }
        return json.dumps(told, sort_keys=True, separators=(",", ":")).encode()


def read_floor(path: Path, bootstrap: str) -> Floor:
    """What a file says that is not there: nothing yet. One that is spoilt is told, and begun again.

    Of another bootstrap (the operator has installed anew) only the time is kept, and the versions of roles that keys of
    the new root signed.
    """
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return Floor(path, bootstrap)
    except OSError as error:
        raise Refused(str(path), error.strerror or str(error), kind="disk") from error
    try:
        floor = _read(path, data)
    except Refused as refused:
        return Floor(path, bootstrap, said=f"{refused}; it is begun again with the metadata that are here")
    if floor.bootstrap != bootstrap:
        floor.bootstrap = bootstrap
        floor.seen.pop("root", None)
    return floor


def _read(path: Path, data: bytes) -> Floor:
    reader = parsed(str(path), data, _KIND)
    if reader.whole("schema") != 1:
        raise reader.refused("schema", "is not 1")
    bootstrap, clock, roles = reader.text("bootstrap"), reader.maybe("clock"), reader.object("seen")
    reader.end()
    try:
        moment = datetime.fromisoformat(clock).astimezone(UTC) if clock else None
    except (ValueError, OverflowError) as error:
        raise reader.refused("clock", "is no time") from error
    seen = {role: _seen(roles.object(role)) for role in roles.names()}
    return Floor(path, bootstrap, seen, moment, "", data)


def _seen(reader: Reader) -> Seen:
    seen = Seen(reader.whole("version"), reader.text("sha256"), reader.words("keys"))
    if not _SHA256.fullmatch(seen.sha256):
        raise reader.refused("sha256", "is no SHA-256 in hex")
    reader.end()
    return seen
