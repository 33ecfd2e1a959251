"""tuf's client, with three things more: it writes durably, it minds this board's floor, and it is told the time.

What is overridden is private to `tuf.ngclient` and held by tests: `_persist_file` and `_update_root_symlink` (without
fsync there, so that a power cut may leave an empty file behind), the loading of each role, and the reference time.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import cast

from tuf.api.metadata import Root, Signed, Targets
from tuf.ngclient import Updater, UpdaterConfig

from .durable import make_folder, point, write_file
from .floor import Floor
from .source import Source

__all__ = ["FlooredUpdater"]


class FlooredUpdater(Updater):
    """at: the role that is being loaded, and by whom it is delegated. data: what was downloaded last, unverified."""

    def __init__(
        self, folder: Path, source: Source, config: UpdaterConfig, bootstrap: bytes, floor: Floor, now: datetime
    ) -> None:
        make_folder(folder / "root_history")
        self.floor = floor
        self.at = ("root", "root")
        self.data = b""
        super().__init__(
            str(folder),
            source.metadata,
            target_base_url=source.targets,
            fetcher=source,
            config=config,
            bootstrap=bootstrap,
        )
        self._trusted_set.reference_time = now

    @property
    def consistent(self) -> bool:
        """Whether the names of files begin with their version or hash."""
        return bool(self._trusted_set.root.consistent_snapshot)

    def trusted(self, role: str) -> Signed | None:
        """Verified metadata of a role, if any are loaded."""
        return cast("Signed | None", self._trusted_set.get(role))

    def _load_root(self) -> None:
        super()._load_root()
        self.floor.admit_root(self._trusted_set.root)

    def _load_timestamp(self) -> None:
        self.at = ("timestamp", "root")
        super()._load_timestamp()
        self.floor.admit("timestamp", self._trusted_set.timestamp)

    def _load_snapshot(self) -> None:
        self.at = ("snapshot", "root")
        super()._load_snapshot()
        self.floor.admit("snapshot", self._trusted_set.snapshot)

    def _load_targets(self, role: str, parent_role: str) -> Targets:
        self.at = (role, parent_role)
        return super()._load_targets(role, parent_role)

    def _download_metadata(self, rolename: str, length: int, version: int | None = None) -> bytes:
        self.data = super()._download_metadata(rolename, length, version)
        return self.data

    def _persist_metadata(self, rolename: str, data: bytes) -> None:
        told, by = self._trusted_set[rolename], cast("Root | Targets", self._trusted_set[self.at[1]])
        self.floor.admit(rolename, told, data, by.get_delegated_role(rolename).keyids)
        super()._persist_metadata(rolename, data)

    def _persist_file(self, filename: str, data: bytes) -> None:
        """Not at all if it is there: the given root would be written at each start."""
        path = Path(filename)
        if not _is(path, data):
            write_file(path, data)

    def _update_root_symlink(self) -> None:
        link, to = Path(self._dir, "root.json"), f"root_history/{self._trusted_set.root.version}.root.json"
        if not (link.is_symlink() and str(link.readlink()) == to):
            point(link, to)


def _is(path: Path, data: bytes) -> bool:
    try:
        return path.read_bytes() == data
    except OSError:
        return False
