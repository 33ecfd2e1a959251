"""One small model's folder, as `sepia export` and `sepia quantize` leave it, made once."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from support.model_folders import write_model_folder


@pytest.fixture(scope="session")
def made_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models") / "tiny"
    write_model_folder(folder)
    return folder


@pytest.fixture
def model_folder(made_once: Path, tmp_path: Path) -> Path:
    """A copy that a test may spoil."""
    return Path(shutil.copytree(made_once, tmp_path / "models" / "tiny"))
