"""A repository with two channels, made once; each test has a copy, a web server and a client that follows."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from sepia.ship.keys import KeyStore
from sepia.ship.loopback import served
from support.followed_repository import Follower, bundle, make_repository, open_store


@dataclass(frozen=True)
class Place:
    """folder: the test's own. bundles: where small bundles are, shared by all tests."""

    folder: Path
    repository: Path
    keys: KeyStore
    follower: Follower
    bundles: Path

    def bundle(self, version: str, **options: str) -> Path:
        return bundle(self.bundles, version, **options)


@pytest.fixture(scope="session")
def bundles(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("bundles")


@pytest.fixture(scope="session")
def made_repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("made")
    make_repository(folder, ("stable", "beta"))
    return folder


@pytest.fixture
def place(made_repository: Path, bundles: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    # Nobody cuts the power of this machine in a test, and a busy disk takes milliseconds for each.
    monkeypatch.setattr(os, "fsync", lambda descriptor: None)
    folder = tmp_path / "place"
    shutil.copytree(made_repository, folder)
    repository = folder / "repository"
    with served(repository) as url:
        root = (repository / "metadata" / "1.root.json").read_bytes()
        yield Place(folder, repository, open_store(folder / "keys"), Follower(folder / "board", url, root), bundles)
