"""LiteRT against the contract, with XNNPACK and with its own kernels."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
from sepia.runtime.litert import LiteRT
from support.runtime_contract import RuntimeContract
from support.tiny_models import TinyModel, write_tflite


class TestLiteRT(RuntimeContract):
    runtime = LiteRT()
    channels_last = True

    def write(self, folder: Path, *, int8: bool = False, open_batch: bool = False) -> Path:
        folder.mkdir(exist_ok=True)
        return write_tflite(self.weights, folder / "tiny.tflite", int8=int8, batch=None if open_batch else 1)

    def layer_names(self, int8: bool) -> list[str]:
        return ["middle", "result_codes" if int8 else "result"]

    def kernels(self, file: Path) -> set[str]:
        with self.runtime.open(file) as session:
            return {placement.kernel for placement in session.placements()}

    def test_kernels_are_xnnpack(self, float_file: Path) -> None:
        assert self.kernels(float_file) == {"XNNPACK"}

    def test_codes_come_with_their_scale_and_zero_point(self, tmp_path: Path) -> None:
        file = write_tflite(self.weights, tmp_path / "codes.tflite", int8=True, ends="int8")
        ranges = self.weights.ranges()
        with self.runtime.open(file) as session:
            told = {
                info.name: (info.dtype, info.scale, info.zero_point) for info in (*session.inputs, *session.outputs)
            }
            codes = np.rint(TinyModel.photo().transpose(0, 2, 3, 1) / ranges["image"][0]).astype(np.int8)
            result = session.run({"image": codes})["result"].transpose(0, 3, 1, 2)
        scale = ranges["result"][0]
        assert told == {"image": ("int8", ranges["image"][0], 0), "result": ("int8", scale, 0)}
        assert np.abs(result * scale - self.weights.reference(TinyModel.photo())).max() <= 2 * scale


def test_it_says_nothing_on_standard_error(tmp_path: Path) -> None:
    """It would say that it made a delegate, in the middle of a progress bar."""
    file = write_tflite(TinyModel.drawn(), tmp_path / "tiny.tflite")
    code = f"from pathlib import Path; from sepia.runtime.litert import LiteRT; LiteRT().open(Path({str(file)!r}))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("", "")


class TestLiteRTBuiltin(TestLiteRT):
    runtime = LiteRT(kernels="builtin")

    def test_kernels_are_xnnpack(self, float_file: Path) -> None:
        assert self.kernels(float_file) == {"builtin"}
