"""Which file may be executed, and how outputs are compared without NumPy."""

from __future__ import annotations

import math
from array import array
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from sepia.ship.agent import native_program
from sepia.ship.agent.errors import Refused
from sepia.ship.agent.manifest import Manifest
from sepia.ship.agent.native_program import declared_program
from support.unpacked_bundles import native_bundle


def refused(folder: Path, manifest: Manifest) -> str:
    with pytest.raises(Refused) as caught:
        declared_program(folder, manifest)
    assert caught.value.kind == "self-test"
    return caught.value.what


def test_the_program_of_the_manifest(tmp_path: Path) -> None:
    bundle = native_bundle(tmp_path / "1.0.0")
    assert declared_program(bundle.folder, bundle.manifest) == tmp_path / "1.0.0" / "network"


def test_a_folder_may_be_reached_over_a_link(tmp_path: Path) -> None:
    bundle = native_bundle(tmp_path / "1.0.0")
    (tmp_path / "current").symlink_to("1.0.0")
    assert declared_program(tmp_path / "current", bundle.manifest) == tmp_path / "1.0.0" / "network"


@pytest.mark.parametrize("name", [None, "golden/inputs.bin"])
def test_what_is_not_declared_as_a_program_is_none(tmp_path: Path, name: str | None) -> None:
    bundle = native_bundle(tmp_path / "1.0.0")
    assert "is not declared as a program" in refused(bundle.folder, replace(bundle.manifest, program=name))


def test_a_link_is_no_program(tmp_path: Path) -> None:
    bundle = native_bundle(tmp_path / "1.0.0")
    program = bundle.folder / "network"
    program.rename(tmp_path / "elsewhere")
    program.symlink_to(tmp_path / "elsewhere")
    assert "is reached over a link" in refused(bundle.folder, bundle.manifest)


def test_nor_is_one_below_a_linked_folder(tmp_path: Path) -> None:
    bundle = native_bundle(tmp_path / "1.0.0")
    (tmp_path / "outside").mkdir()
    (bundle.folder / "network").rename(tmp_path / "outside" / "network")
    (bundle.folder / "bin").symlink_to(tmp_path / "outside")
    files = tuple(replace(f, path="bin/network") if f.role == "program" else f for f in bundle.manifest.files)
    manifest = replace(bundle.manifest, files=files, program="bin/network", network="bin/network")
    assert "is reached over a link" in refused(bundle.folder, manifest)


def test_nor_a_folder_nor_a_file_without_the_right(tmp_path: Path) -> None:
    bundle = native_bundle(tmp_path / "1.0.0")
    program = bundle.folder / "network"
    program.chmod(0o644)
    assert "is no file that may be executed" in refused(bundle.folder, bundle.manifest)
    program.unlink()
    program.mkdir()
    assert "is no file that may be executed" in refused(bundle.folder, bundle.manifest)


@pytest.mark.parametrize(("typecode", "dtype"), [("f", np.float32), ("b", np.int8), ("B", np.uint8)])
@pytest.mark.parametrize("count", [1, 1000, 200_000])
def test_rms_is_numpys(typecode: str, dtype: type, count: int) -> None:
    rng = np.random.default_rng(count)
    one, other = ((rng.standard_normal(count) * 40).astype(dtype) for _ in range(2))
    right = float(np.sqrt(np.mean((one.astype(np.float64) - other.astype(np.float64)) ** 2)))
    got = native_program._rms(array(typecode, one.tobytes()), array(typecode, other.tobytes()))
    assert got == pytest.approx(right, rel=1e-12)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_one_value_that_is_not_finite_spoils_all(value: float) -> None:
    values = array("f", [1.0, 2.0, value])
    assert not math.isfinite(native_program._rms(values, array("f", [1.0, 2.0, 3.0])))
    golden = native_program._Golden(b"", array("f", [1.0, 2.0, 3.0]), 1, 0.1)
    assert native_program._worst_rms(golden.outputs.tobytes() + values.tobytes(), golden) == math.inf


def test_the_worst_round_counts() -> None:
    golden = native_program._Golden(b"", array("f", [1.0, 2.0]), 1, 0.1)
    got = array("f", [1.0, 2.0, 1.0, 2.0, 2.0, 3.0]).tobytes()
    assert native_program._worst_rms(got, golden) == pytest.approx(1.0)
