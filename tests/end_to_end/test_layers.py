"""Every layer of `models.layers` in every format: float as the module computes it, int8 layer by layer as each runtime
must, and what TFLite cannot say refused with the reason."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from sepia.check.layers import check_layers
from sepia.check.network import Network
from sepia.check.verdict import verdicts
from sepia.errors import UnsupportedOps
from sepia.export.onnx_to_openvino import onnx_to_openvino
from sepia.export.onnx_to_tflite import onnx_to_tflite
from sepia.export.torch_to_onnx import torch_to_onnx
from sepia.pipeline.usable import usable_runtimes
from sepia.quantize.quantize import quantize
from sepia.quantize.recipes import RECIPES
from sepia.runtime import RUNTIMES
from support.every_layer import CASES, CHANNELS, NO_TFLITE, SIZES
from support.quantising import normal_data
from support.slow_layers import draw_weights

_QUICK = (
    "depthwise, circular, 1-D",
    "depthwise transposed, same, 2-D",
    "separable transposed, dilated, 2-D",
    "spatially separable, depthwise, 3-D",
)


def exported(name: str, folder: Path) -> tuple[Path, dict[str, np.ndarray], np.ndarray]:
    """`layer.onnx`, an input, and what the module makes of it."""
    dimensions, make = CASES[name]
    layer = draw_weights(make()).float().eval()
    values = torch.randn(1, CHANNELS, *SIZES[dimensions], generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        wanted = layer(values).numpy()
        program = torch.export.export(layer, (values,))
    torch_to_onnx(program, folder / "layer.onnx", metadata={})
    return folder / "layer.onnx", {"input": values.numpy()}, wanted


def float_files(name: str, folder: Path) -> None:
    source, feeds, wanted = exported(name, folder)
    onnx_to_openvino(source, folder / "layer.xml")
    files = {"onnxruntime": source, "openvino": folder / "layer.xml"}
    if name in NO_TFLITE:
        with pytest.raises(UnsupportedOps, match=r"rank 5.*OpenVINO takes 3-D"):
            onnx_to_tflite(source, folder / "layer.tflite")
        assert not (folder / "layer.tflite").exists()
    else:
        onnx_to_tflite(source, folder / "layer.tflite")
        files |= dict.fromkeys(usable_runtimes().names, folder / "layer.tflite") | files
    for runtime, path in files.items():
        with Network(RUNTIMES[runtime], path) as network:
            (found,) = network.run(feeds)
        assert found.shape == wanted.shape, runtime
        assert np.abs(found - wanted).max() <= 1e-4 * np.abs(wanted).max(), runtime


def int8_files(name: str, folder: Path) -> None:
    source, feeds, _ = exported(name, folder)
    data = normal_data({"input": feeds["input"].shape})
    summary = quantize(source, folder / "layer.int8.onnx", data, RECIPES["fast"])
    assert all("groups" in left.reason for left in summary.left_float), summary.left_float
    names = [n for n in usable_runtimes().names if name not in NO_TFLITE or RUNTIMES[n].suffixes[0] != ".tflite"]
    rows = check_layers(folder / "layer.int8.onnx", names, list(data), samples=2)
    assert rows
    broken = {verdict.runtime: dict(verdict.broken) for verdict in verdicts(rows) if verdict.broken}
    assert broken == {}


@pytest.mark.parametrize("name", _QUICK)
def test_some_layers(name: str, tmp_path: Path) -> None:
    float_files(name, tmp_path)
    int8_files(name, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in CASES if name not in _QUICK])
def test_every_layer_in_float(name: str, tmp_path: Path) -> None:
    float_files(name, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in CASES if name not in _QUICK])
def test_every_layer_in_int8(name: str, tmp_path: Path) -> None:
    int8_files(name, tmp_path)
