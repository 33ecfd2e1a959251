"""Prepared photos are read one at a time by offset."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from benchmarks.contestants import ROADS


@pytest.fixture(scope="module")
def arguments() -> ModuleType:
    # Roads are scripts that stand beside one another, not a package: peers' environments have no `benchmarks`.
    spec = importlib.util.spec_from_file_location("road_arguments", ROADS / "arguments.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(("limit", "rows"), [(None, range(5)), (2, [0, 2]), (3, [0, 1, 3]), (9, range(5))])
def test_samples_are_rows_evenly_over_all(
    arguments: ModuleType, tmp_path: Path, limit: int | None, rows: Sequence[int]
) -> None:
    whole = np.arange(5 * 3 * 2 * 2, dtype=np.float32).reshape(5, 3, 2, 2)
    np.save(tmp_path / "photos.npy", whole)
    found = list(arguments.samples(tmp_path / "photos.npy", limit))
    assert np.array_equal(np.concatenate(found), whole[list(rows)])
    assert found[0].shape == (1, 3, 2, 2)
