"""Of a repository's folder, the part that one board needs: TUF's metadata, and a bundle or a delta to it.

Nothing is trusted here and nothing need be: the board verifies what was pushed as it verifies what it pulls.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import Any

from ..errors import InputError
from .agent.pointer import Choice, folder_of, read_pointer
from .host_error import host_error

__all__ = ["Need", "Part", "RepositoryFolder"]


@dataclass(frozen=True)
class Need:
    """What a board follows. board: its name in roll-outs. kept: SHA-256 of the bundles that lie there."""

    board: str
    model: str
    channel: str
    target: str
    kept: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Part:
    """files: name below the repository → file here. how: what of the bundle is in it. version: None: none is offered.

    sha256: of the bundle. whole_bytes: of the bundle, had it been sent.
    """

    model: str
    version: str | None
    sha256: str
    how: str
    files: Mapping[str, Path]
    whole_bytes: int


class RepositoryFolder:
    """A folder as `sepia ship publish` makes it. Read once: what is published meanwhile is seen by the next."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def metadata(self, needs: Iterable[Need]) -> dict[str, Path]:
        """Every root, timestamp, snapshot, targets, and the roles of what is followed."""
        roots = (self.folder / "metadata").glob("*.root.json")
        roles = {f"{need.model}.{need.channel}.json" for need in needs} & self._listed.keys()
        names = ["timestamp.json", self._snapshot_name, self._versioned("targets.json"), *map(self._versioned, roles)]
        files = [*roots, *(self.folder / "metadata" / name for name in names)]
        return {f"metadata/{path.name}": path for path in sorted(files)}

    def has(self, model: str, channel: str) -> bool:
        return f"{model}.{channel}.json" in self._listed

    def channels(self, model: str) -> tuple[str, ...]:
        """That the model has. Their names hold no dots; a model's may."""
        roles = (name.removesuffix(".json").rpartition(".") for name in sorted(self._listed))
        return tuple(channel for name, _, channel in roles if name == model)

    def part(self, need: Need, *, whole: bool = False) -> Part:
        """What this board needs of one model, metadata left out. whole: never a delta.

        Raises InputError: the repository lacks what it lists, or is not one.
        """
        folder = folder_of(need.model, need.channel, need.target)
        targets = self._targets(f"{need.model}.{need.channel}")
        if f"{folder}current.json" not in targets:
            return Part(need.model, None, "", "nothing", {}, 0)
        name, pointer = self._file(targets, f"{folder}current.json")
        with host_error():
            choice = read_pointer(_read(pointer), folder).choice(need.board, need.model)
        if choice is None:
            return Part(need.model, None, "", "nothing", {name: pointer}, 0)
        sha256, size = _sha256(targets, choice.path, self.folder), _size(targets, choice.path)
        how, path = self._way(need, choice, sha256, targets, whole=whole)
        files = {name: pointer, **(dict([self._file(targets, path)]) if path else {})}
        return Part(need.model, choice.version, sha256, how, files, size)

    def _way(
        self, need: Need, choice: Choice, sha256: str, targets: Mapping[str, Any], *, whole: bool
    ) -> tuple[str, str]:
        if sha256 in need.kept:
            return "nothing", ""
        fitting = [delta.path for delta in choice.deltas if delta.base in need.kept and delta.path in targets]
        if fitting and not whole:
            smallest = min(fitting, key=lambda path: _size(targets, path))
            if _size(targets, smallest) < _size(targets, choice.path):
                return "delta", smallest
        return "whole", choice.path

    def _file(self, targets: Mapping[str, Any], path: str) -> tuple[str, Path]:
        """A target by the name that it has with consistent snapshots (TUF specification 1.0, section 6.2)."""
        place = PurePosixPath(path)
        name = f"targets/{place.parent}/{_sha256(targets, path, self.folder)}.{place.name}"
        return name, self.folder / name

    # --- metadata, by their lists -----------------------------------------------------------------------------------

    @cached_property
    def _snapshot_name(self) -> str:
        timestamp = self._signed("timestamp.json")
        return f"{_version(timestamp, 'snapshot.json', self.folder)}.snapshot.json"

    @cached_property
    def _listed(self) -> dict[str, Any]:
        """File of a role, without its version → what the snapshot says of it."""
        return dict(self._signed(self._snapshot_name).get("meta", {}))

    def _versioned(self, name: str) -> str:
        return f"{_version({'meta': self._listed}, name, self.folder)}.{name}"

    def _targets(self, role: str) -> dict[str, Any]:
        if f"{role}.json" not in self._listed:
            return {}
        return dict(self._signed(self._versioned(f"{role}.json")).get("targets", {}))

    def _signed(self, name: str) -> dict[str, Any]:
        path = self.folder / "metadata" / name
        try:
            signed = json.loads(_read(path))["signed"]
        except (ValueError, KeyError, TypeError) as error:
            raise InputError(str(path), "is no metadata of The Update Framework") from error
        return dict(signed)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        hint = "is it a repository that `sepia ship publish` made?"
        raise InputError(str(path), f"cannot be read ({error.strerror or error})", hint=hint) from error


def _version(signed: Mapping[str, Any], name: str, folder: Path) -> int:
    try:
        return int(signed["meta"][name]["version"])
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(str(folder), f"its metadata do not list {name}") from error


def _sha256(targets: Mapping[str, Any], path: str, folder: Path) -> str:
    try:
        return str(targets[path]["hashes"]["sha256"])
    except (KeyError, TypeError) as error:
        raise InputError(str(folder), f"its metadata do not list {path}") from error


def _size(targets: Mapping[str, Any], path: str) -> int:
    return int(targets.get(path, {}).get("length", 0))
