"""Calibration's memory does not grow with the number of samples, whatever the method."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from sepia.quantize.recipes import RECIPES
from support.graphs import tiny_separable

_ALONE = """
import resource, sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from sepia.quantize.quantize import quantize
from sepia.quantize.recipes import RECIPES
from support.quantising import normal_data
folder, name, count = Path(sys.argv[2]), sys.argv[3], int(sys.argv[4])
data = normal_data({"image": (1, 3, 128, 128)}, count)
quantize(folder / "float.onnx", folder / "int8.onnx", data, RECIPES[name])
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


@pytest.mark.slow
@pytest.mark.parametrize("name", RECIPES)
def test_four_hundred_samples_take_no_more_than_sixteen(name: str, tmp_path: Path) -> None:
    (tmp_path / "float.onnx").write_bytes(tiny_separable((128, 128), channels=16).SerializeToString())

    def peak(count: int) -> int:
        tests = str(Path(__file__).resolve().parents[1])
        command = [sys.executable, "-c", _ALONE, tests, str(tmp_path), name, str(count)]
        return int(subprocess.run(command, check=True, capture_output=True, text=True).stdout)

    assert peak(400) <= 1.1 * peak(16)
