"""Running the stand-alone measuring program as a board does: a process, files in, one line of JSON out."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sepia.errors import RuntimeUnavailable
from sepia.runtime import bench, tflite_isolated
from sepia.runtime.environments import find_python

from .tiny_models import TinyModel, write_qdq, write_tflite

__all__ = ["PROGRAM", "QUICK", "golden", "model_for", "run_bench"]

PROGRAM = Path(bench.__file__)
QUICK = ("--seconds", "0.05", "--warmup-seconds", "0.05")


def run_bench(runtime: str, *arguments: str) -> tuple[dict[str, Any], int]:
    """What it printed, and its exit code."""
    python = sys.executable
    if runtime == "tflite-runtime":
        try:
            find_python(runtime, tflite_isolated._PYTHONS)
        except RuntimeUnavailable as error:
            pytest.skip(str(error))
        python = str(tflite_isolated.interpreter())
    command = [python, str(PROGRAM), "--runtime", runtime, *QUICK, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    found = json.loads(done.stdout)
    assert isinstance(found, dict)
    return found, done.returncode


def model_for(runtime: str, folder: Path, weights: TinyModel) -> Path:
    if runtime in ("litert", "tflite-runtime"):
        return write_tflite(weights, folder / "tiny.tflite", int8=True)
    return write_qdq(weights, folder / "tiny.onnx")


def golden(
    folder: Path, inputs: Any, outputs: Any, tolerance: Any, *, names: tuple[str, str] = ("image", "result")
) -> str:
    folder.mkdir(exist_ok=True)
    np.savez(folder / "inputs.npz", **{names[0]: inputs})
    np.savez(folder / "outputs.npz", **{names[1]: outputs})
    (folder / "tolerance.json").write_text(json.dumps({"rms": tolerance}))
    return str(folder)
