"""Members of the zoo down the whole road: which layers stay in float, in which runtime, and why."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from sepia.check.model_folder import ModelFolder
from sepia.errors import InputError, UnsupportedOps
from sepia.models.zoo import ZOO
from sepia.pipeline.check_files import Checked, check_files
from sepia.pipeline.export_files import export_files
from sepia.pipeline.quantize_files import QuantizeOptions, quantize_files

pytestmark = pytest.mark.slow


def checked(name: str, path: Path, recipe: str = "default") -> Checked:
    folder = ModelFolder(path / name)
    export_files(name, folder)
    quantize_files(folder, folder, QuantizeOptions(recipe=recipe, images=16))
    return check_files(folder, samples=1, images=4)


def floats(found: Checked) -> dict[str, set[str]]:
    """Runtime → kinds of op in float, as the op's name in the runtime."""
    rows = [row for row in found.whole if row.precision == "int8"]
    for row in rows:
        assert row.float_layers is not None, row.runtime
        assert all(layer.reason for layer in row.float_layers), row.runtime
    return {row.runtime: {layer.op for layer in row.float_layers or ()} for row in rows}


def test_mobilenet_v1_has_no_layer_in_float(tmp_path: Path) -> None:
    found = checked("mobilenet-v1", tmp_path)
    assert found.agrees, found.to_text()
    assert set().union(*floats(found).values()) == set(), found.to_text()


@pytest.mark.parametrize(
    ("name", "recipe"),
    [
        ("mobilenet-v3-small", "default"),
        ("xception", "default"),
        ("blazeface", "fast"),
        ("ghostnet", "fast"),
        ("mobilenet-v4-conv-small", "fast"),
        ("mobileone-s0", "fast"),
        ("shufflenet-v2-0.5", "fast"),
    ],
)
def test_every_layer_in_float_has_a_reason(name: str, recipe: str, tmp_path: Path) -> None:
    found = checked(name, tmp_path, recipe)
    assert found.agrees, found.to_text()
    kinds = floats(found)
    # What carries the work is in int8 everywhere: activations and gates alone may be in float.
    convolutions = {"Conv", "FusedConv", "Convolution", "GroupConvolution", "CONV_2D", "DEPTHWISE_CONV_2D"}
    assert {runtime: found & convolutions for runtime, found in kinds.items() if found & convolutions} == {}


@pytest.mark.parametrize("name", ["ds-cnn", "matchboxnet"])
def test_networks_that_read_no_photos_take_arrays(name: str, tmp_path: Path) -> None:
    folder, arrays = ModelFolder(tmp_path / name), tmp_path / "arrays.npz"
    values = np.random.default_rng(0).standard_normal((8, *ZOO[name].input_shape[1:]))
    np.savez(arrays, input=values.astype(np.float32))
    export_files(name, folder)
    with pytest.raises(InputError, match=r"how photos are prepared for this network is not known.*give an \.npz"):
        quantize_files(folder, folder, QuantizeOptions(recipe="fast"))
    quantize_files(folder, folder, QuantizeOptions(recipe="fast", calibrate=arrays))
    found = check_files(folder, calibrate=arrays, samples=1, images=4)
    assert found.agrees, found.to_text()
    assert set().union(*floats(found).values()) == set(), found.to_text()


def test_a_video_network_is_refused_as_tflite_alone(tmp_path: Path) -> None:
    folder = ModelFolder(tmp_path / "x3d-xs")
    with pytest.raises(UnsupportedOps, match=r"rank 5.*OpenVINO takes 3-D"):
        export_files("x3d-xs", folder)
    written = export_files("x3d-xs", folder, formats=("onnx", "openvino")).files
    assert set(written) == {"onnx", "openvino"}
