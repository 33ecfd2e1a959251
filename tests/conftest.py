"""Fixtures that every room's tests share."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def photos() -> Path:
    """The folder with `calibration/` and `validation/`: real photos, file name = class index and synset.

    Named by SEPIA_PHOTOS, or found beside the checkout. They are not part of the repository.
    """
    beside = Path(__file__).resolve().parents[2] / "shared" / "imagenet"
    folder = Path(os.environ.get("SEPIA_PHOTOS", beside))
    if not (folder / "validation").is_dir():
        pytest.skip("real photos are not here: set SEPIA_PHOTOS to a folder with calibration/ and validation/")
    return folder
