"""Biases that a quantiser left in float become int32 codes on the grid of their layer's sum, in the file itself."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx_ir as ir
from numpy.typing import NDArray

from ...errors import GraphError
from ..edit import add_initializer, constant_of, is_op, only_reader
from ..kinds import Kind, kind_of
from ..qdq.params import is_dequantize, is_quantize, one_scale, params_of
from ..quantization import QuantParams
from .settled import name_of, put_codes

__all__ = ["settle_float_biases"]

_INT32_MAX = 2**31 - 1
_BETWEEN = ("Relu", "Clip", "Pad", "MaxPool", "Reshape", "Flatten", "Transpose", "Squeeze", "Unsqueeze")
"""Behind a layer, the reader of QDQ files lets it make the codes all the same."""


def settle_float_biases(model: ir.Model) -> list[str]:
    """Round the float bias of every Conv and Gemm (transB=1) between codes to scale s_in · s_w, zero point 0.

    Not exact: by half a step of the sum at most, as every integer kernel rounds it. But OpenVINO then gave 99.85 % of
    the other engines' codes on NNCF's Lite0, and 99.9998 % where the file says the codes. Of layers whose input,
    weights and result are codes, a Relu, Clip or move between. A bias beyond int32 stays. Returns a line, or none.
    """
    moved = [_settled(node) for node in tuple(model.graph) if kind_of(node).convolution or _is_gemm(node)]
    steps = [step for step in moved if step is not None]
    if not steps:
        return []
    return [
        f"{len(steps)} float biases rounded to int32 codes of scale s_in · s_w, as every integer kernel has them; that "
        f"moves what a layer makes by {max(steps):.2g} steps of its scale at most"
    ]


def _is_gemm(node: ir.Node) -> bool:
    return kind_of(node) is Kind.FULLY_CONNECTED and is_op(node, "Gemm") and bool(node.attributes.get_int("transB", 0))


def _settled(node: ir.Node) -> float | None:
    """How much it moves the result, in steps of its scale; None where there is nothing to do."""
    real = constant_of(node.inputs[2]) if len(node.inputs) > 2 else None
    quantize, source = _quantize_behind(node), node.inputs[0]
    reads = None if source is None else source.producer()
    weight = node.inputs[1]
    stored = None if weight is None else weight.producer()
    if real is None or real.dtype != np.float32 or quantize is None or reads is None or stored is None:
        return None
    if not is_dequantize(reads) or not is_dequantize(stored) or constant_of(stored.inputs[0]) is None:
        return None
    try:
        held, weights, made = one_scale(params_of(reads)), params_of(stored), one_scale(params_of(quantize))
    except GraphError:
        return None  # told by the survey
    if held.per_channel or made.per_channel or weights.axis not in (None, 0):
        return None
    scale = (held.scale * weights.scale).astype(np.float32)
    grid = QuantParams(scale, np.zeros(scale.shape, np.int64), "int32", None if scale.size == 1 else 0)
    if real.ndim != 1 or np.abs(real / grid.scale).max(initial=0) > _INT32_MAX:
        return None
    codes = grid.quantize(real.astype(np.float64))
    _put(node, codes, grid)
    return float(np.abs(real.astype(np.float64) - grid.dequantize(codes)).max(initial=0) / made.scale[0])


def _quantize_behind(node: ir.Node) -> ir.Node | None:
    value = node.outputs[0]
    reader = only_reader(value)
    while reader is not None and is_op(reader, *_BETWEEN):
        value = reader.outputs[0]
        reader = only_reader(value)
    readers = value.consumers()
    if not readers or value.is_graph_output() or not all(is_quantize(use) for use in readers):
        return None
    return next(iter(readers))


def _put(node: ir.Node, codes: NDArray[Any], grid: QuantParams) -> None:
    graph, bias = node.graph, node.inputs[2]
    if not isinstance(graph, ir.Graph) or bias is None:
        raise ValueError(f"'{node.name}' is in no graph")
    empty = add_initializer(graph, f"{bias.name}_to_be", np.zeros((), np.int32))
    one = add_initializer(graph, f"{bias.name}_to_be_scale", np.ones((), np.float32))
    place = ir.node("DequantizeLinear", [empty, one], name=f"{bias.name}_of_{name_of(node)}_dequantized")
    place.outputs[0].name = f"{bias.name}_of_{name_of(node)}"
    graph.insert_before(node, place)
    node.replace_input_with(2, place.outputs[0])
    put_codes(place, codes, grid)
