"""Networks of a few nodes in ONNX's text form: what the file says, and what OpenVINO makes of it by way of the IR."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from sepia.export.onnx_to_openvino import onnx_to_openvino
from sepia.runtime import RUNTIMES

from .graphs import run_graph

__all__ = ["as_ir_and_as_it_says", "pair", "small_net"]

Arrays = dict[str, NDArray[Any]]


def small_net(text: str, *, opset: int = 20) -> onnx.ModelProto:
    model = onnx.parser.parse_model(f'<ir_version: 9, opset_import: ["": {opset}]> {text}')
    for place, node in enumerate(model.graph.node):
        node.name = f"{node.output[0]}_{place}"
    onnx.checker.check_model(model, full_check=True)
    return model


def pair(name: str, scale: str = "s", zero_point: str = "z") -> str:
    """The value `name` as codes, `name`_q, and back, `name`_dq."""
    return (
        f"{name}_q = QuantizeLinear({name}, {scale}, {zero_point}) "
        f"{name}_dq = DequantizeLinear({name}_q, {scale}, {zero_point})"
    )


def as_ir_and_as_it_says(model: onnx.ModelProto, folder: Path) -> tuple[Arrays, Arrays]:
    """Outputs by name, of the same drawn inputs."""
    rng = np.random.default_rng(11)
    feeds = {
        info.name: rng.normal(0, 1, [d.dim_value or 2 for d in info.type.tensor_type.shape.dim]).astype(np.float32)
        for info in model.graph.input
    }
    source = folder / "net.onnx"
    onnx.save(model, source)
    onnx_to_openvino(source, folder / "net.xml")
    with RUNTIMES["openvino"].open(folder / "net.xml") as session:
        found = session.run(feeds)
    return found, run_graph(model, feeds)
