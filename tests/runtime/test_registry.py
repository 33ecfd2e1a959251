"""The room's front door: every runtime by name, and light."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import sepia.runtime
from sepia.errors import ConfigError
from sepia.runtime import RUNTIMES, runtime_named


def test_each_runtime_goes_by_its_own_name() -> None:
    assert list(RUNTIMES) == ["onnxruntime", "litert", "tflite-runtime", "openvino"]
    assert all(runtime.name == name for name, runtime in RUNTIMES.items())
    assert runtime_named("litert") is RUNTIMES["litert"]


def test_an_unknown_name_gives_the_nearest() -> None:
    with pytest.raises(ConfigError, match=r"'onnx-runtime'.*did you mean onnxruntime"):
        runtime_named("onnx-runtime")


def test_the_front_door_loads_no_engine() -> None:
    heavy = ("onnxruntime", "openvino", "ai_edge_litert", "onnx", "torch", "skimage")
    code = f"import sys, sepia.runtime, sepia.devices; print([name for name in {heavy!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_no_file_here_stands_for_a_library() -> None:
    """bench.py and the worker run as scripts in this folder, which then comes first on the path."""
    libraries = {
        "onnxruntime",
        "openvino",
        "ai_edge_litert",
        "tflite_runtime",
        "numpy",
        "onnx",
        *sys.stdlib_module_names,
    }
    files = {path.stem for path in Path(sepia.runtime.__file__).parent.glob("*.py")}
    assert files & (libraries | sys.stdlib_module_names) == set()
