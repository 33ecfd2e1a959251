"""A repository as its boards see it: read from the first root on by TUF's own client, and told in one table."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from tuf.api.exceptions import DownloadHTTPError, RepositoryError
from tuf.ngclient import Updater
from tuf.ngclient.fetcher import FetcherInterface

from ...errors import TrustError
from ...files import digest
from ..host_error import host_error
from .change import now_utc, waiting
from .folder import Folder
from .pointer import CURRENT, Pointer
from .roles import TOP

__all__ = ["Offered", "RoleStatus", "Status", "check"]

_NEAR_DAYS = 14


@dataclass(frozen=True)
class RoleStatus:
    """keyids: of those who may sign. days_left: until it expires, below 0 where it has."""

    role: str
    version: int
    threshold: int
    keyids: tuple[str, ...]
    expires: str
    days_left: float

    @property
    def near(self) -> bool:
        return self.days_left < (_NEAR_DAYS if self.role not in ("snapshot", "timestamp") else 3)


@dataclass(frozen=True)
class Offered:
    """What one channel has for one target. versions: in the order of their publication. deltas: to the offered one."""

    model: str
    channel: str
    target: str
    version: str
    rollout: float
    before: str | None
    versions: tuple[str, ...]
    bytes: int
    deltas: int


@dataclass(frozen=True)
class Status:
    roles: tuple[RoleStatus, ...]
    offered: tuple[Offered, ...]
    waiting: tuple[str, ...]


def check(path: Path, *, now: Callable[[], datetime] = now_utc) -> Status:
    """Follow the repository as a board that trusts its first root, and look at every file that a board may ask for.

    Raises TrustError for what a board would refuse, ConfigError if there is no repository.
    """
    folder = Folder(path)
    folder.require()
    with tempfile.TemporaryDirectory(prefix="sepia-check-") as metadata, _told(path):
        root = (folder.metadata / "1.root.json").read_bytes()
        client = Updater(metadata, "file:///metadata/", fetcher=_FromFolder(path), bootstrap=root)
        client.refresh()
        for role in _delegated(folder):
            model, _, channel = role.rpartition(".")
            client.get_targetinfo(f"{model}/{channel}/any/{CURRENT}")
        _refuse_missing(folder)
    moment = now()
    return Status(tuple(_roles(folder, moment)), tuple(_offered(folder)), waiting(path))


class _FromFolder(FetcherInterface):
    """What a web server would give, and nothing outside of the folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def _fetch(self, url: str) -> Iterator[bytes]:
        path = self._folder / unquote(urlsplit(url).path).lstrip("/")
        try:
            return iter([path.read_bytes()])
        except FileNotFoundError as error:
            raise DownloadHTTPError(f"{path} is not there", 404) from error


def _refuse_missing(folder: Folder) -> None:
    for role in _delegated(folder):
        for path, file in folder.load(role).signed.targets.items():
            there = folder.file_of(file)
            if not there.is_file() or digest(there) != file.hashes["sha256"]:
                what = "is missing" if not there.is_file() else "is not what was signed"
                raise TrustError(str(there), what, hint=f"publish it again, or restore it: {path}")


def _roles(folder: Folder, now: datetime) -> Iterator[RoleStatus]:
    root, targets = folder.load("root").signed, folder.load("targets").signed
    records = {role: root.roles[role] for role in TOP}
    records |= (targets.delegations.roles or {}) if targets.delegations else {}
    for role, record in records.items():
        signed = folder.load(role).signed
        expires = signed.expires.replace(tzinfo=UTC)
        left = (expires - now).total_seconds() / 86400
        yield RoleStatus(role, signed.version, record.threshold, tuple(record.keyids), expires.isoformat(), left)


def _offered(folder: Folder) -> Iterator[Offered]:
    for role in _delegated(folder):
        files: dict[str, Any] = folder.load(role).signed.targets
        for path in (path for path in files if path.endswith(f"/{CURRENT}")):
            model, channel, target, _ = path.split("/")
            with host_error():
                pointer = Pointer.from_bytes(folder.file_of(files[path]).read_bytes(), model, channel, target)
            start = f"{model}/{channel}/{target}/"
            names = [each.removeprefix(start) for each in files if each.startswith(start) and each.endswith(".sepia")]
            yield Offered(
                model,
                channel,
                target,
                pointer.version,
                pointer.rollout,
                pointer.before[0] if pointer.before else None,
                tuple(name.removesuffix(".sepia") for name in names),
                files[pointer.bundle].length,
                len(pointer.deltas),
            )


def _delegated(folder: Folder) -> list[str]:
    delegations = folder.load("targets").signed.delegations
    return sorted(delegations.roles or ()) if delegations else []


@contextmanager
def _told(path: Path) -> Iterator[None]:
    """What TUF's client refuses, as an error of ours."""
    try:
        yield
    except RepositoryError as error:
        hint = f"sepia ship keys renew {path}" if "expired" in str(error) else ""
        raise TrustError(str(path), f"a board would refuse it ({error})", hint=hint) from error
