"""A repository made by the product, served over HTTP on loopback, and python-tuf's own client that follows it.

The client knows nothing of ours but the first root; what it took once it never takes in an older version.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from sepia.ship import passphrase
from sepia.ship.keys import KeyStore
from sepia.ship.repository import create, delegate
from tuf.api.exceptions import DownloadHTTPError
from tuf.ngclient import FetcherInterface, Updater

from support.small_bundles import MODEL, TARGETS, make_small_bundle

__all__ = ["TARGET", "Follower", "bundle", "make_repository", "open_store", "state_of"]

TARGET = TARGETS["arm64"]


def open_store(folder: Path) -> KeyStore:
    """Keys without passphrases."""
    return KeyStore(folder, passphrase.none)


def make_repository(folder: Path, channels: tuple[str, ...] = ("stable",), **options: Any) -> tuple[Path, KeyStore]:
    """folder/repository with these channels of MODEL, and folder/keys. options: as `create` takes them."""
    keys = open_store(folder / "keys")
    repository = folder / "repository"
    create(repository, keys, **options)
    for channel in channels:
        delegate(repository, MODEL, channel, keys)
    return repository, keys


def bundle(folder: Path, version: str, **options: Any) -> Path:
    """A small bundle of MODEL for TARGET, made once in `folder`."""
    path = folder / f"{options.get('model', MODEL)}-{version}-{options.get('target', TARGET)}.sepia"
    return path if path.exists() else make_small_bundle(folder, version, payload=4000, **options).path


class FromFolder(FetcherInterface):
    """Files of addresses file:///…, where a web server would take too long for the many that look."""

    def _fetch(self, url: str) -> Iterator[bytes]:
        path = Path(unquote(url.removeprefix("file://")))
        if not path.is_file():
            raise DownloadHTTPError(f"{path} is not there", 404)
        return iter([path.read_bytes()])


class Follower:
    """folder: its own. url: of the repository, ended with a slash. root: the first, as it was installed."""

    def __init__(self, folder: Path, url: str, root: bytes) -> None:
        self.folder, self.url, self.root = folder, url, root
        (folder / "targets").mkdir(parents=True)
        self.seen: dict[str, int] = {}

    def refresh(self) -> Updater:
        """As a board does each time. Raises what python-tuf raises; fails if a version fell."""
        updater = Updater(
            str(self.folder),
            f"{self.url}metadata/",
            str(self.folder / "targets"),
            f"{self.url}targets/",
            fetcher=FromFolder() if self.url.startswith("file:") else None,
            bootstrap=self.root,
        )
        updater.refresh()
        self._see()
        return updater

    def get(self, path: str, updater: Updater | None = None) -> bytes:
        """A target's bytes, downloaded and verified."""
        updater = updater or self.refresh()
        found = updater.get_targetinfo(path)
        assert found is not None, path
        data = Path(updater.download_target(found)).read_bytes()
        self._see()
        return data

    def offer(self, channel: str = "stable", target: str = TARGET) -> dict[str, Any]:
        """The pointer, after all that it names was downloaded."""
        updater = self.refresh()
        told: dict[str, Any] = json.loads(self.get(f"{MODEL}/{channel}/{target}/current.json", updater))
        for offer in filter(None, (told, told["before"])):
            assert f"version {offer['version']}\n".encode() in self.get(offer["bundle"], updater)
        for delta in told["deltas"]:
            self.get(delta["path"], updater)
        return told

    def _see(self) -> None:
        for path in self.folder.glob("*.json"):
            version = json.loads(path.read_bytes())["signed"]["version"]
            assert version >= self.seen.get(path.name, 0), path.name
            self.seen[path.name] = version


def state_of(folder: Path) -> dict[str, str]:
    """Each file below, by its digest."""
    files = (path for path in sorted(folder.rglob("*")) if path.is_file() and path.name != ".lock")
    return {path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}
