"""What every pass is held to: same outputs within its tolerance, nothing left to do the second time, valid ONNX."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import onnx_ir as ir
from sepia.graph.describe import describe
from sepia.graph.load import load_graph
from sepia.graph.shapes import infer_shapes

from support.graphs import random_input, run_graph

__all__ = ["holds", "loaded", "ops"]


def loaded(proto: onnx.ModelProto) -> ir.Model:
    """`proto` by way of a file."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.onnx"
        path.write_bytes(proto.SerializeToString())
        return load_graph(path)


def ops(model: ir.Model) -> list[str]:
    """Op types in the order of the graph."""
    return [node.op_type for node in model.graph]


def holds(
    step: Callable[[ir.Model], bool],
    proto: onnx.ModelProto,
    *,
    tolerance: float = 0.0,
    changes: bool = True,
    before: tuple[Callable[[ir.Model], bool], ...] = (),
) -> ir.Model:
    """Run a pass on `proto` and return the result, having checked its promises.

    tolerance: greatest difference allowed, as a share of the largest output (0: bit by bit). changes: whether the pass
    must find something to do. before: passes that it requires.
    """
    proto.metadata_props.add(key="sepia.labels", value="kept")
    model = loaded(proto)
    for former in before:
        former(model)
    feeds = random_input(proto)
    expected = run_graph(model, feeds)
    assert step(model) is changes
    infer_shapes(model)
    text = describe(model)
    assert step(model) is False
    assert describe(model) == text
    onnx.checker.check_model(ir.to_proto(model), full_check=True)
    assert model.metadata_props["sepia.labels"] == "kept"
    found = run_graph(model, feeds)
    assert list(found) == list(expected)
    for name, array in expected.items():
        assert found[name].shape == array.shape
        difference = np.abs(found[name].astype(np.float64) - array).max()
        assert difference <= tolerance * np.abs(array).max(), f"{name}: {difference}"
    return model
