"""SQNR by layer: by hand, and alike in all formats that one quantisation is written in."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from sepia.export.onnx_to_openvino import onnx_to_openvino
from sepia.export.onnx_to_tflite import onnx_to_tflite
from support.graphs import tiny_separable
from support.quantising import Quantised, quantised, with_values

from benchmarks.quantizers.layers import ir_file, onnx_file, tflite_file
from benchmarks.quantizers.worst_layer import NotComparable, layer_sqnr_db, worst_layer

LAYERS = ["stem", "block1.dw", "block1.pw", "block2.expand", "block2.dw", "block2.project"]
LAYERS = [f"{name}_node" for name in (*LAYERS, "block3.expand", "block3.dw", "head", "fc")]


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Quantised:
    found = quantised(tiny_separable((32, 32)), tmp_path_factory.mktemp("tiny"), recipe="minmax")
    onnx_to_tflite(found.path, found.path.with_suffix(".tflite"))
    onnx_to_openvino(found.path, found.path.with_suffix(".xml"))
    return found


@pytest.fixture(scope="module")
def photos(done: Quantised) -> np.ndarray:
    return np.concatenate([sample["image"] for sample in done.data])


def test_by_hand() -> None:
    wanted = [[np.float32([[3, 4]]), np.float32([[1]])], [np.float32([[0, 5]]), np.float32([[7]])]]
    found = [[np.float32([[3, 3]]), np.float32([[1]])], [np.float32([[0, 5]]), np.float32([[7]])]]
    # The second channel, (4, 5), beside (3, 5) times 37/34.
    error = (4 - 3 * 37 / 34) ** 2 + (5 - 5 * 37 / 34) ** 2
    assert layer_sqnr_db(wanted, found) == pytest.approx([10 * np.log10(50 / error), np.inf])


def test_channels_that_never_fire_are_left_out() -> None:
    wanted = [[np.float32([[3, 0]])], [np.float32([[4, 0]])]]
    found = [[np.float32([[4, 7]])], [np.float32([[3, 7]])]]
    error = (3 - 4 * 24 / 25) ** 2 + (4 - 3 * 24 / 25) ** 2
    assert layer_sqnr_db(wanted, found) == pytest.approx([10 * np.log10(25 / error)])


def test_a_silent_channel_is_all_error() -> None:
    wanted = [[np.float32([[3, 1]])], [np.float32([[4, 1]])]]
    assert layer_sqnr_db(wanted, [[np.float32([[0, 1]])]] * 2) == pytest.approx([10 * np.log10(27 / 25)])


def test_scaled_channels_are_as_good_as_before() -> None:
    generator = np.random.default_rng(3)
    wanted = [[generator.normal(0, 1, (1, 5, 4, 4)).astype(np.float32)] for _ in range(3)]
    found = [[one + np.float32(0.01) * generator.normal(0, 1, one.shape).astype(np.float32)] for (one,) in wanted]
    factors = np.float32([0.25, 1, 3, 10, 0.5]).reshape(1, 5, 1, 1)
    assert layer_sqnr_db(wanted, [[one * factors] for (one,) in found]) == pytest.approx(layer_sqnr_db(wanted, found))


def test_other_layers_are_refused() -> None:
    one = [[np.zeros((1, 4), np.float32)]]
    for other in ([[np.zeros((1, 5), np.float32)]], [[np.zeros((1, 4), np.float32)] * 2]):
        with pytest.raises(NotComparable, match=r"not the float network's: \d against 1"):
            layer_sqnr_db(one, other)


def test_a_layer_of_a_file_is_what_the_next_one_reads(done: Quantised, photos: np.ndarray) -> None:
    assert onnx_file.layer_names(done.source) == LAYERS
    (first,) = onnx_file.layer_outputs(done.source, photos[:1])
    for found, name in zip(first, _after_clip(done.source), strict=True):
        wanted = with_values(done.source, [name], {"image": photos[:1]})[name]
        np.testing.assert_allclose(found, wanted, atol=1e-5)  # ONNX Runtime's optimisations add up in another order
    (rounded,) = onnx_file.layer_outputs(done.path, photos[:1])
    for index, output in enumerate(rounded[:-1]):
        assert len(np.unique(output)) <= 256, LAYERS[index]


def _after_clip(path: Path) -> list[str]:
    """Of each layer of the float file: its output, or that of the Clip on it."""
    nodes = onnx.load(path).graph.node
    clips = {node.input[0]: node.output[0] for node in nodes if node.op_type == "Clip"}
    return [clips.get(node.output[0], node.output[0]) for node in nodes if node.op_type in ("Conv", "Gemm")]


def test_the_formats_of_one_quantisation_are_worst_alike(done: Quantised, photos: np.ndarray) -> None:
    reference = worst_layer(done.path, done.source, photos)
    assert (reference.layers, reference.name) == (10, LAYERS[reference.index])
    wanted = layer_sqnr_db(onnx_file.layer_outputs(done.source, photos), onnx_file.layer_outputs(done.path, photos))
    assert reference.sqnr_db == min(wanted)
    for module, suffix in ((tflite_file, ".tflite"), (ir_file, ".xml")):
        path = done.path.with_suffix(suffix)
        found = layer_sqnr_db(onnx_file.layer_outputs(done.source, photos), module.layer_outputs(path, photos))
        # LSBs that flip, alone; a value from before an activation would be off by far more. The last layer has 40
        # values in all.
        assert found[:-1] == pytest.approx(wanted[:-1], abs=1.0)
        assert found[-1] == pytest.approx(wanted[-1], abs=4.0)
        assert worst_layer(path, done.source, photos).sqnr_db == min(found)
