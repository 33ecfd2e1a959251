"""One small model's folder, as `sepia export` and `sepia quantize` leave it, made once; this machine as a board."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.here_board import HereBoard, here_board, story_here
from support.model_folders import write_model_folder
from support.tuf_story import Story


@pytest.fixture(scope="session")
def made_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models") / "tiny"
    write_model_folder(folder)
    return folder


@pytest.fixture
def model_folder(made_once: Path, tmp_path: Path) -> Path:
    """A copy that a test may spoil."""
    return Path(shutil.copytree(made_once, tmp_path / "models" / "tiny"))


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Of the board's user."""
    (tmp_path / "home").mkdir()
    return tmp_path / "home"


@pytest.fixture
def board(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[HereBoard]:
    with here_board(home, monkeypatch) as transport:
        yield transport


@pytest.fixture
def story(tmp_path: Path) -> Story:
    """A repository with nothing in its channel yet."""
    return story_here(tmp_path / "story")
