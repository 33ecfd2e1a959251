"""The repository as a client sees it, from the first root on: python-tuf's own client reads the folder.

What it accepts a board accepts; what it refuses is told in its words.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from ...errors import TrustError
from ...files import digest
from ..keys import KeyStore
from .authority import delegator_of, names_of
from .channel import Channel
from .edit import now
from .names import ROOT, SNAPSHOT, TARGETS, TIMESTAMP, file_name
from .outcome import Waiting
from .store import Store, read
from .waiting import waiting_for
from .warnings import warnings_of

if TYPE_CHECKING:
    from tuf.ngclient import FetcherInterface, Updater

__all__ = ["Checked", "Offered", "Role", "check"]


@dataclass(frozen=True)
class Role:
    """expires: ISO 8601, UTC. keys: by their names where the store knows them. bytes: of the metadata file."""

    role: str
    version: int
    expires: str
    threshold: int
    keys: tuple[str, ...]
    bytes: int


@dataclass(frozen=True)
class Offered:
    """What boards of a target get. deltas: how many. kept: versions, oldest first."""

    model: str
    channel: str
    target: str
    version: str
    rollout: float
    before: str | None
    bytes: int
    deltas: int
    kept: tuple[str, ...]


@dataclass(frozen=True)
class Checked:
    """metadata_bytes: what a new board fetches before its first bundle, of one channel: all roots to one role."""

    roles: tuple[Role, ...]
    offered: tuple[Offered, ...]
    waiting: tuple[Waiting, ...]
    warnings: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        told = asdict(self)
        told["waiting"] = [{**one, "path": str(one["path"])} for one in told["waiting"]]
        return told


def check(folder: Path, keys: KeyStore | None = None, *, files: bool = True, at: datetime | None = None) -> Checked:
    """Read it all as a client does. keys: only for what keys are called.

    files: read every file that is offered, too. Raises InputError (no repository), TrustError (what no client accepts,
    or a file that is not what was signed).
    """
    from tuf.api.exceptions import DownloadError, RepositoryError

    store, named = Store(folder), keys or KeyStore(folder / "no keys")
    store.refuse_no_repository()
    try:
        with tempfile.TemporaryDirectory(prefix="sepia-check-") as made:
            _read_as_client(store, Path(made), at, files=files)
    except (RepositoryError, DownloadError) as error:
        raise TrustError(
            str(folder), f"no board accepts it now: {error}", hint=f"sepia ship keys renew {folder}"
        ) from error
    roles = (ROOT, TIMESTAMP, SNAPSHOT, *store.roles())
    return Checked(
        tuple(_role(store, named, role) for role in roles),
        tuple(_offered(store)),
        waiting_for(store, named),
        warnings_of(store, at or now()),
    )


def _read_as_client(store: Store, made: Path, at: datetime | None, *, files: bool) -> None:
    from tuf.ngclient import Updater

    bootstrap = read(store.metadata / file_name(ROOT, 1))
    (made / "targets").mkdir()
    updater = Updater(
        str(made),
        metadata_base_url="file:///metadata/",
        target_dir=str(made / "targets"),
        target_base_url="file:///targets/",
        fetcher=_folder_fetcher(store.folder),
        bootstrap=bootstrap,
    )
    _set_clock(updater, at)
    updater.refresh()
    for role in (name for name in store.roles() if name != TARGETS):
        for path, file in store.in_force(role).signed.targets.items():
            seen = updater.get_targetinfo(path)
            if seen is None or seen != file:
                raise TrustError(role, f"signs for '{path}', which clients do not take from it")
            if files:
                _refuse_other_file(store, Channel(store, "", "", None).at(file), file.hashes["sha256"])


def _set_clock(updater: Updater, at: datetime | None) -> None:
    if at is not None:
        # What it judges expiry by: its constructor takes no clock.
        updater._trusted_set.reference_time = at.astimezone(UTC)


def _refuse_other_file(store: Store, path: Path, sha256: str) -> None:
    if not path.is_file():
        raise TrustError(str(path), "is signed for, and is not there")
    if digest(path) != sha256:
        raise TrustError(str(path), "is not the file that was signed")


def _folder_fetcher(folder: Path) -> FetcherInterface:
    from tuf.api.exceptions import DownloadHTTPError
    from tuf.ngclient import FetcherInterface

    class Fetcher(FetcherInterface):
        def _fetch(self, url: str) -> Iterator[bytes]:
            path = folder / unquote(urlsplit(url).path).lstrip("/")
            if not path.is_file():
                raise DownloadHTTPError(f"{path.name} is not there", 404)
            return iter([path.read_bytes()])

    return Fetcher()


def _role(store: Store, keys: KeyStore, role: str) -> Role:
    signed = store.in_force(role).signed
    held = store.in_force(delegator_of(role)).signed.get_delegated_role(role)
    size = (store.metadata / file_name(role, signed.version)).stat().st_size
    expires = signed.expires.replace(tzinfo=UTC).isoformat().replace("+00:00", "Z")
    return Role(role, signed.version, expires, held.threshold, names_of(held.keyids, keys), size)


def _offered(store: Store) -> Iterator[Offered]:
    for role in (name for name in store.roles() if name != TARGETS):
        model, channel = role.rsplit(".", 1)
        line = Channel(store, model, channel, store.in_force(role).signed)
        for target in line.targets():
            pointer = line.pointer(target)
            if pointer is not None:
                before = pointer.before[0] if pointer.before else None
                kept = tuple(one.version for one in line.versions(target))
                size = line.file(pointer.path).length
                yield Offered(
                    model, channel, target, pointer.version, pointer.rollout, before, size, len(pointer.deltas), kept
                )
