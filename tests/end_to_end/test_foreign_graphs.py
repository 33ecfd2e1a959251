"""Graphs as tf2onnx, Keras and paddle2onnx write them: the same outputs in every format, and the transposes gone.

The files of Keras and of paddle2onnx 2.1 are their own (`support/make_keras_file.py`, `support/make_paddle_file.py`);
tf2onnx's graphs, and those of older releases of paddle2onnx, are made in the shape of theirs.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from sepia.check.layers import check_layers
from sepia.check.network import Network
from sepia.check.verdict import verdicts
from sepia.export.onnx_to_openvino import onnx_to_openvino
from sepia.export.onnx_to_tflite import onnx_to_tflite
from sepia.graph.load import load_graph, save_graph
from sepia.graph.passes import canonicalize
from sepia.quantize.quantize import quantize
from sepia.quantize.recipes import RECIPES
from sepia.runtime import RUNTIMES
from support.foreign_nets import paddle2onnx_net, tf2onnx_net, tf2onnx_net_1d
from support.graphs import run_graph
from support.quantising import normal_data
from support.tflite_files import program_of

_FILES = Path(__file__).parents[1] / "support" / "files"

NETS: dict[str, tuple[Callable[[], onnx.ModelProto], tuple[int, ...], int]] = {
    "tf2onnx": (tf2onnx_net, (1, 16, 16, 3), 0),
    "tf2onnx, 1-D": (tf2onnx_net_1d, (1, 20, 6), 0),
    "Keras 3": (lambda: onnx.load(_FILES / "keras3.onnx"), (1, 12, 12, 3), 0),
    "paddle2onnx": (lambda: onnx.load(_FILES / "paddle.onnx"), (1, 3, 16, 16), 0),
    "paddle2onnx, older": (paddle2onnx_net, (1, 3, 16, 16), 0),
}
"""Name → what makes it, its input, how many TRANSPOSEs its TFLite file needs."""


def made(name: str, folder: Path) -> tuple[Path, dict[str, NDArray[np.float32]], NDArray[np.float32]]:
    """The canonical file, an input, and what the file itself makes of it."""
    build, shape, _ = NETS[name]
    proto = build()
    onnx.checker.check_model(proto)
    (folder / "theirs.onnx").write_bytes(proto.SerializeToString())
    feeds = {proto.graph.input[0].name: np.random.default_rng(1).normal(0, 1, shape).astype(np.float32)}
    (wanted,) = run_graph(proto, feeds).values()
    save_graph(canonicalize(load_graph(folder / "theirs.onnx")), folder / "model.onnx")
    return folder / "model.onnx", feeds, wanted


@pytest.mark.parametrize("name", NETS)
def test_float(name: str, tmp_path: Path) -> None:
    source, feeds, wanted = made(name, tmp_path)
    onnx_to_tflite(source, tmp_path / "model.tflite")
    onnx_to_openvino(source, tmp_path / "model.xml")
    for runtime, file in (("onnxruntime", "model.onnx"), ("litert", "model.tflite"), ("openvino", "model.xml")):
        with Network(RUNTIMES[runtime], tmp_path / file) as network:
            (found,) = network.run(feeds)
        np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-5, err_msg=runtime)
    ops = Counter(operator.op for operator in program_of(tmp_path / "model.tflite").operators)
    assert ops["TRANSPOSE"] == NETS[name][2], ops


@pytest.mark.parametrize("name", NETS)
def test_int8(name: str, tmp_path: Path) -> None:
    source, feeds, _ = made(name, tmp_path)
    data = normal_data({name: array.shape for name, array in feeds.items()})
    assert quantize(source, tmp_path / "int8.onnx", data, RECIPES["fast"]).left_float == ()
    rows = check_layers(tmp_path / "int8.onnx", ["onnxruntime", "litert", "openvino"], list(data), samples=2)
    assert {verdict.runtime: dict(verdict.broken) for verdict in verdicts(rows) if verdict.broken} == {}
