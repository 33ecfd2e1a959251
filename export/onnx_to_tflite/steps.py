"""Which ONNX nodes become one step: a layer and the Relu or Clip right behind it.

A clamp joins its producer where nobody else reads what lies between, the QDQ file does not hold that as codes, and the
producer's row of the op table fuses. What TFLite cannot fuse, the writer clips with operators of their own; the step
still runs in int8 as one, as ONNX Runtime runs Conv → Clip → QuantizeLinear.
"""

from __future__ import annotations

from collections.abc import Callable

import onnx_ir as ir

from .rows import ROWS
from .site import Quantized, Site, constant

__all__ = ["steps"]


def _fuses(op: str) -> bool:
    return any(row.fuses for row in ROWS.get(op, ()))


def steps(quantized: Quantized, fuses: Callable[[str], bool] = _fuses) -> list[Site]:
    """Every node of the graph, in order, in exactly one site. fuses: whether an op takes in the clamp behind it."""
    outputs = {value.name for value in quantized.model.graph.outputs}
    joined: set[ir.Node] = set()
    sites = []
    for node in quantized.model.graph:
        if node in joined:
            continue
        clamp = _clamp_behind(node, quantized, outputs) if fuses(node.op_type) else None
        if clamp is not None:
            joined.add(clamp)
        sites.append(Site(node, quantized, clamp))
    return sites


def _clamp_behind(node: ir.Node, quantized: Quantized, outputs: set[str | None]) -> ir.Node | None:
    if len(node.outputs) != 1:
        return None
    between = node.outputs[0]
    uses = list(between.uses())
    if len(uses) != 1 or between.name in outputs or between.name in quantized.params:
        return None
    follower = uses[0].node
    if follower.op_type not in ("Relu", "Clip") or uses[0].idx != 0 or follower.domain not in ("", "ai.onnx"):
        return None
    settings = [value for value in follower.inputs[1:] if value is not None]
    return follower if all(constant(value) is not None for value in settings) else None
