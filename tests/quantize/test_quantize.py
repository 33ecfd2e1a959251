"""The whole of quantising a small network: the file is right, the same twice, and survives odd weights and data."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import numpy_helper
from sepia.errors import QuantizeError
from sepia.inputs.calibration import CalibrationData
from sepia.quantize.recipes import RECIPES
from support.graphs import NetBuilder, run_graph, tiny_separable
from support.quantising import int8_kernels, normal_data, quantised

SHAPE = (1, 3, 16, 16)


def separable() -> NetBuilder:
    net = NetBuilder(SHAPE)
    x = net.relu6(net.conv(net.input, 8))
    x = net.relu6(net.depthwise(x))
    net.conv(x, 12, kernel=1)
    return net


def error(found, sample) -> float:  # type: ignore[no-untyped-def]
    """rms error of the QDQ file against the float file, relative to the float output's spread."""
    wanted = next(iter(run_graph(onnx.load(str(found.source)), sample).values()))
    given = next(iter(run_graph(onnx.load(str(found.path)), sample).values()))
    return float(np.sqrt(np.mean((wanted - given) ** 2)) / wanted.std())


@pytest.mark.parametrize("recipe", sorted(RECIPES))
def test_every_recipe_stays_near_float(recipe: str, tmp_path: Path) -> None:
    found = quantised(separable(), tmp_path, recipe=recipe)
    assert error(found, found.sample()) < (0.25 if recipe == "entropy" else 0.08)


def test_the_same_input_gives_the_same_bytes(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
    one, two = (quantised(separable(), tmp_path / name).path.read_bytes() for name in ("one", "two"))
    assert one == two


def test_int8_and_uint8_are_one_quantisation(tmp_path: Path) -> None:
    for name in ("u8", "s8"):
        (tmp_path / name).mkdir()
    unsigned = quantised(separable(), tmp_path / "u8")
    signed = quantised(separable(), tmp_path / "s8", activations="int8")
    names = [tensor.name for tensor in unsigned.graph.initializer]
    assert names == [tensor.name for tensor in signed.graph.initializer]
    for name in names:
        one, two = unsigned.initializer(name), signed.initializer(name)
        shift = 128 if one.dtype == np.uint8 else 0
        np.testing.assert_array_equal(one.astype(np.float64), two.astype(np.float64) + shift)


def test_metadata_is_kept(tmp_path: Path) -> None:
    proto = tiny_separable()
    proto.metadata_props.add(key="sepia.preparation", value="{}")
    found = quantised(proto, tmp_path)
    assert {p.key: p.value for p in onnx.load(str(found.path)).metadata_props}["sepia.preparation"] == "{}"


def test_onnx_runtime_runs_every_layer_in_int8(tmp_path: Path) -> None:
    found = quantised(tiny_separable(), tmp_path)
    assert found.summary.left_float == ()
    ops = {line.split()[0] for line in int8_kernels(found.path, tmp_path)}
    assert "QLinearConv" in ops
    assert not ops & {"Conv", "FusedConv", "Add", "Gemm", "GlobalAveragePool", "Clip", "Relu"}


def test_a_dead_channel_breaks_nothing(tmp_path: Path) -> None:
    net = separable()
    proto = net.proto(net.nodes[-1].output[0])
    for tensor in proto.graph.initializer:
        array = numpy_helper.to_array(tensor).copy()
        if array.ndim == 4 and array.shape[0] == 8:
            array[3] = 0 if array.shape[1] == 3 else array[3] * 1e-20
            tensor.CopyFrom(numpy_helper.from_array(array, tensor.name))
        elif array.shape == (8,):
            array[3] = -5.0  # so that its ReLU6 never fires
            tensor.CopyFrom(numpy_helper.from_array(array, tensor.name))
    found = quantised(proto, tmp_path)
    for tensor in found.graph.initializer:
        array = numpy_helper.to_array(tensor)
        if array.dtype == np.float32:
            assert np.isfinite(array).all()
            assert not tensor.name.endswith("_scale") or (array > 0).all()
        if array.dtype == np.int32:
            assert np.abs(array.astype(np.int64)).max(initial=0) < 2**31 - 1
    assert error(found, found.sample()) < 0.08


@pytest.mark.parametrize("value", [0.0, 3.0, -2.5])
def test_constant_activations(value: float, tmp_path: Path) -> None:
    sample = {"image": np.full(SHAPE, value, np.float32)}
    data = CalibrationData("constant", False, 2, lambda: iter([sample, sample]))
    found = quantised(separable(), tmp_path, data=data)
    given = next(iter(run_graph(onnx.load(str(found.path)), sample).values()))
    wanted = next(iter(run_graph(onnx.load(str(found.source)), sample).values()))
    assert np.abs(given - wanted).max() <= 0.05 * max(1.0, np.abs(wanted).max())


def test_activations_that_are_not_finite_are_named_and_nothing_is_written(tmp_path: Path) -> None:
    sample = {"image": np.full(SHAPE, 1e30, np.float32)}
    net = NetBuilder(SHAPE)
    net.conv(net.conv(net.input, 8, name="first"), 8, name="second")
    proto = net.proto(net.nodes[-1].output[0])
    for tensor in proto.graph.initializer:
        tensor.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(tensor) * np.float32(1e10), tensor.name))
    data = CalibrationData("huge", False, 1, lambda: iter([sample]))
    with pytest.raises(QuantizeError, match="NaN or infinite for calibration sample 0"):
        quantised(proto, tmp_path, data=data)
    assert not (tmp_path / "int8.onnx").exists()


def test_no_samples(tmp_path: Path) -> None:
    data = CalibrationData("none", False, 0, lambda: iter(()))
    with pytest.raises(QuantizeError, match="no samples"):
        quantised(separable(), tmp_path, data=data)


def test_saturation_safe_weights_keep_to_half(tmp_path: Path) -> None:
    found = quantised(separable(), tmp_path, saturation_safe=True)
    weights = [numpy_helper.to_array(t) for t in found.graph.initializer if t.name.endswith("_quantized")]
    codes = [array for array in weights if array.dtype == np.int8]
    assert max(int(np.abs(array.astype(int)).max()) for array in codes) == 64


def test_progress_counts_the_samples(tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    quantised(
        separable(),
        tmp_path,
        data=normal_data({"image": SHAPE}, 5),
        progress=lambda _, done, total: seen.append((done, total)),
    )
    assert seen[-1] == (5, 5)
