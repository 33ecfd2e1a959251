"""OpenVINO against the contract, from ONNX and from its own IR."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from sepia.errors import InputError
from sepia.runtime.openvino_runtime import OpenVINO
from support.runtime_contract import RuntimeContract
from support.tiny_models import write_onnx, write_qdq


class TestOpenVINOFromOnnx(RuntimeContract):
    runtime = OpenVINO()

    def write(self, folder: Path, *, int8: bool = False, open_batch: bool = False) -> Path:
        folder.mkdir(exist_ok=True)
        if int8:
            return write_qdq(self.weights, folder / "tiny.int8.onnx")
        return write_onnx(self.weights, folder / "tiny.onnx", batch="batch" if open_batch else 1)


class TestOpenVINOFromIR(TestOpenVINOFromOnnx):
    def write(self, folder: Path, *, int8: bool = False, open_batch: bool = False) -> Path:
        import openvino

        onnx = super().write(folder, int8=int8, open_batch=open_batch)
        openvino.save_model(
            openvino.Core().read_model(str(onnx)), str(onnx.with_suffix(".xml")), compress_to_fp16=False
        )
        onnx.unlink()
        return onnx.with_suffix(".xml")

    def test_missing_weights_are_named(self, float_file: Path) -> None:
        float_file.with_suffix(".bin").unlink()
        with pytest.raises(InputError, match=r"no tiny\.bin beside it"):
            self.runtime.open(float_file)


def test_no_usage_figures_are_sent(tmp_path: Path) -> None:
    """Its telemetry would start threads as soon as the library is imported."""
    file = write_onnx(TestOpenVINOFromOnnx.weights, tmp_path / "tiny.onnx")
    code = (
        "import sys, threading; from pathlib import Path; from sepia.runtime.openvino_runtime import OpenVINO\n"
        f"OpenVINO().open(Path({str(file)!r}))\n"
        "print(len(threading.enumerate()), sys.modules.get('openvino_telemetry'))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["1", "None"]
