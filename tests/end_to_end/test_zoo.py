"""Members of the zoo down the whole road: which layers stay in float, in which runtime, and why."""

from __future__ import annotations

from pathlib import Path

import pytest
from sepia.check.model_folder import ModelFolder
from sepia.pipeline.check_files import Checked, check_files
from sepia.pipeline.export_files import export_files
from sepia.pipeline.quantize_files import QuantizeOptions, quantize_files

pytestmark = pytest.mark.slow


def checked(name: str, path: Path) -> Checked:
    folder = ModelFolder(path / name)
    export_files(name, folder)
    quantize_files(folder, folder, QuantizeOptions(images=16))
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


@pytest.mark.parametrize("name", ["mobilenet-v3-small", "xception"])
def test_every_layer_in_float_has_a_reason(name: str, tmp_path: Path) -> None:
    found = checked(name, tmp_path)
    assert found.agrees, found.to_text()
    kinds = floats(found)
    # What carries the work is in int8 everywhere: activations and gates alone may be in float.
    convolutions = {"Conv", "FusedConv", "Convolution", "GroupConvolution", "CONV_2D", "DEPTHWISE_CONV_2D"}
    assert {runtime: found & convolutions for runtime, found in kinds.items() if found & convolutions} == {}
