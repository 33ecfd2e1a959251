"""Every network of the zoo down the whole road: float outputs, layers in int8, which stay in float, and why."""

from __future__ import annotations

from pathlib import Path

import pytest
from sepia.check.model_folder import ModelFolder
from sepia.errors import InputError, UnsupportedOps
from sepia.models.zoo import ZOO
from sepia.pipeline.export_files import export_files
from sepia.pipeline.quantize_files import QuantizeOptions, quantize_files

from benchmarks.zoo.carried import TORCH, carry

pytestmark = pytest.mark.slow

CONVOLUTIONS = {"Conv", "FusedConv", "Convolution", "GroupConvolution", "CONV_2D", "DEPTHWISE_CONV_2D"}
"""What carries the work is in int8 everywhere: activations and gates alone may be in float."""


ALL_INT8 = {"mobilenet-v1", "mobilenet-v2", "ds-cnn", "matchboxnet"}
"""Every runtime has int8 kernels for all their layers."""


@pytest.mark.parametrize("name", ZOO)
def test_every_member_in_every_format_float_and_int8(name: str, tmp_path: Path) -> None:
    found = carry(name, tmp_path, recipe="default" if name == "mobilenet-v3-small" else "fast", images=2)
    assert found.missing == {}
    here = {"onnxruntime", "openvino"} | (set() if found.refused else {"litert", "tflite-runtime"})
    assert set(found.int8) == here
    # Of the output's greatest value; or, in a deep network of random weights, twice what torch's own float32 costs.
    most = max(1e-4, 2 * found.float_error.pop(TORCH))
    assert set(found.float_error) == here
    assert {runtime: error for runtime, error in found.float_error.items() if error > most} == {}
    assert {runtime: row.broken for runtime, row in found.int8.items() if not row.passed} == {}
    for runtime, row in found.int8.items():
        assert not {told for told in row.in_float if told.partition(":")[0] in CONVOLUTIONS}, runtime
        assert all(told.partition(": ")[2] for told in row.in_float), runtime
        assert not (row.in_float and name in ALL_INT8), runtime


def test_a_video_network_is_refused_as_tflite_alone(tmp_path: Path) -> None:
    folder = ModelFolder(tmp_path)
    with pytest.raises(UnsupportedOps, match=r"rank 5.*OpenVINO takes 3-D"):
        export_files("x3d-xs", folder)
    assert set(export_files("x3d-xs", folder, formats=("onnx", "openvino")).files) == {"onnx", "openvino"}


@pytest.mark.parametrize("name", ["ds-cnn", "matchboxnet"])
def test_networks_that_read_no_photos_ask_for_arrays(name: str, tmp_path: Path) -> None:
    folder = ModelFolder(tmp_path / name)
    export_files(name, folder, formats=("onnx",))
    with pytest.raises(InputError, match=r"how photos are prepared for this network is not known.*give an \.npz"):
        quantize_files(folder, folder, QuantizeOptions(recipe="fast"), formats=("onnx",))
