"""What a channel offers now: `current.json`, a TUF target of a few lines, read strictly.

    {"schema": 1, "version": "1.2.0", "bundle": "MODEL/CHANNEL/TARGET/1.2.0.sepia", "rollout": 0.25,
     "deltas": [{"base": "<sha256 of a bundle>", "path": "MODEL/CHANNEL/TARGET/1.2.0.from-….bsdiff"}],
     "before": {"version": "1.1.0", "bundle": "…"} or null}

It may name files of its own folder alone: with the key of one channel nobody offers another's.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass

from .errors import Refused
from .manifest import VERSION
from .strict_json import Reader, parsed

__all__ = ["MOST_BYTES", "Choice", "DeltaAt", "Pointer", "folder_of", "read_pointer"]

MOST_BYTES = 1 << 16
MOST_DELTAS = 16
_KIND = "pointer"
_SHA256 = re.compile(r"[0-9a-f]{64}")
_FILE = re.compile(r"[A-Za-z0-9][A-Za-z0-9.+_-]{0,199}")


@dataclass(frozen=True)
class DeltaAt:
    """base: SHA-256 of the bundle that it is applied to, in hex. path: the TUF target."""

    base: str
    path: str


@dataclass(frozen=True)
class Choice:
    """What one board is to run. path: the bundle's TUF target."""

    version: str
    path: str
    deltas: tuple[DeltaAt, ...]
    in_rollout: bool


@dataclass(frozen=True)
class Pointer:
    """rollout: the share of boards, 0 to 1. before: what the others take, if anything."""

    version: str
    path: str
    rollout: float
    deltas: tuple[DeltaAt, ...]
    before: tuple[str, str] | None

    def choice(self, board: str, model: str) -> Choice | None:
        """None: not this board's turn, and nothing came before."""
        if share(board, model, self.version) < self.rollout:
            return Choice(self.version, self.path, self.deltas, True)
        if self.before is None:
            return None
        version, path = self.before
        return Choice(version, path, (), False)


def share(board: str, model: str, version: str) -> float:
    """Where a board stands in a version's roll-out: in [0, 1), the same whenever it asks, another for each version."""
    drawn = hashlib.sha256(f"{board}/{model}/{version}".encode()).hexdigest()
    return int(drawn[:8], 16) / 2**32


def folder_of(model: str, channel: str, target: str) -> str:
    return f"{model}/{channel}/{target}/"


def read_pointer(data: bytes, folder: str) -> Pointer:
    """folder: `folder_of` it. Raises Refused of kind "pointer", or "not allowed" for a file of another folder."""
    where = f"{folder}current.json"
    reader = parsed(where, data, _KIND)
    if (schema := reader.whole("schema")) != 1:
        raise reader.refused("schema", f"is {schema}; this agent reads 1", hint="install a newer agent")
    version, path = _version_and_path(reader, where, folder)
    rollout, deltas, before = reader.share("rollout"), reader.objects("deltas"), reader.maybe_object("before")
    if len(deltas) > MOST_DELTAS:
        raise reader.refused("deltas", f"are {len(deltas)}; at most {MOST_DELTAS} are accepted")
    reader.end()
    pointer = Pointer(
        version,
        path,
        rollout,
        tuple(_delta(delta, where, folder) for delta in deltas),
        _version_and_path(before, where, folder) if before else None,
    )
    if before:
        before.end()
    return pointer


def _delta(reader: Reader, where: str, folder: str) -> DeltaAt:
    base, path = reader.text("base"), reader.text("path")
    if not _SHA256.fullmatch(base):
        raise reader.refused("base", "is no SHA-256 in hex")
    reader.end()
    return DeltaAt(base, _inside(path, where, folder))


def _version_and_path(reader: Reader, where: str, folder: str) -> tuple[str, str]:
    version, path = reader.text("version"), reader.text("bundle")
    if not VERSION.fullmatch(version):
        raise reader.refused("version", f"is {version[:80]!a}; accepted: {VERSION.pattern}")
    return version, _inside(path, where, folder)


def _inside(path: str, where: str, folder: str) -> str:
    if not path.startswith(folder) or not _FILE.fullmatch(path.removeprefix(folder)):
        raise Refused(where, f"names {path[:200]!a}, which is not a file of {folder}", kind="not allowed")
    return path
