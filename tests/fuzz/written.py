"""Graphs that are written down instead of drawn, in ONNX's text, for tests of one thing."""

from __future__ import annotations

import numpy as np
import onnx
from onnx import numpy_helper, parser

from .draft import Drawn

__all__ = ["written"]


def written(text: str, *, spread: float = 1.0, seed: int = 0, opset: int = 20) -> Drawn:
    """text: a graph, `g (float[1, 2] x) => (float[1, 2] y) <float s = {1}> { … }`. spread: of the inputs' noise."""
    model = parser.parse_model(f'<ir_version: 9, opset_import: ["": {opset}]> {text}')
    rng = np.random.default_rng(seed)
    feeds = {
        info.name: (rng.normal(size=[d.dim_value for d in info.type.tensor_type.shape.dim]) * spread).astype(np.float32)
        for info in model.graph.input
    }
    for place, node in enumerate(model.graph.node):
        node.name = node.name or f"{node.op_type.lower()}{place}"
    for tensor in model.graph.initializer:
        # As everybody stores them: ONNX Runtime's optimisations look at the bytes.
        tensor.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(tensor), tensor.name))
    onnx.checker.check_model(model)
    return Drawn(model, feeds, any(node.op_type == "QuantizeLinear" for node in model.graph.node))
