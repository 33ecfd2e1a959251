"""Constants under a DequantizeLinear: reading them and putting others in their place."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import onnx_ir as ir
from numpy.typing import NDArray

from ..edit import add_initializer, constant_of, is_op
from ..qdq.params import is_dequantize, is_quantize, params_of
from ..quantization import QuantParams

__all__ = ["codes_under", "name_of", "put_codes", "scaled_codes"]


def name_of(node: ir.Node) -> str:
    return node.name or str(node.outputs[0].name)


def codes_under(value: ir.Value | None) -> NDArray[Any] | None:
    """The integer codes that `value` always holds: stored, or made of constants by QuantizeLinear and Clip; else None.

    Raises GraphError for a QuantizeLinear whose parameters cannot be read.
    """
    stored = constant_of(value)
    if stored is not None or value is None:
        return stored
    node = value.producer()
    if node is None:
        return None
    if is_quantize(node):
        real = constant_of(node.inputs[0])
        return None if real is None else params_of(node).quantize(real)
    if is_op(node, "Clip"):
        codes, low, high = codes_under(node.inputs[0]), *_bounds(node)
        if codes is None:
            return None
        info = np.iinfo(codes.dtype)
        clipped: NDArray[Any] = np.clip(codes, info.min if low is None else low, info.max if high is None else high)
        return clipped
    return None


def _bounds(clip: ir.Node) -> tuple[int | None, int | None]:
    low, high = [*(constant_of(value) for value in clip.inputs[1:]), None, None][:2]
    return tuple(None if bound is None else int(bound.reshape(())) for bound in (low, high))  # type: ignore[return-value]


def put_codes(dequantize: ir.Node, codes: NDArray[Any], params: QuantParams) -> ir.Node:
    """A DequantizeLinear of stored `codes` in the place of `dequantize`. Returns it."""
    graph, old = dequantize.graph, dequantize.outputs[0]
    if not isinstance(graph, ir.Graph):
        raise ValueError(f"'{dequantize.name}' is in no graph")
    stem = str(old.name)
    shape = params.scale.shape if params.per_channel else ()
    inputs = [
        add_initializer(graph, f"{stem}_codes", codes),
        add_initializer(graph, f"{stem}_scale", params.scale.reshape(shape)),
        add_initializer(graph, f"{stem}_zero_point", params.zero_point.astype(params.dtype).reshape(shape)),
    ]
    attributes = {} if params.axis is None else {"axis": params.axis}
    new = ir.node("DequantizeLinear", inputs, attributes, name=dequantize.name)
    output = new.outputs[0]
    output.shape, output.type = ir.Shape(codes.shape), ir.TensorType(ir.DataType.FLOAT)
    graph.insert_before(dequantize, new)
    old.replace_all_uses_with(output, replace_graph_outputs=True)
    old.name, output.name = None, stem
    graph.remove(dequantize, safe=True)
    return new


def scaled_codes(node: ir.Node, index: int, factors: NDArray[np.float64], axis: int) -> bool:
    """Multiply the real values of constant codes that `node` reads as input `index` by a factor for each index of
    `axis`, in a DequantizeLinear of the node's own: the codes stay, their scales change.

    Returns False, and changes nothing, where the input is no such constant or has scales on another axis.
    """
    value = node.inputs[index]
    source = None if value is None else value.producer()
    if source is None or not is_dequantize(source):
        return False
    codes = constant_of(source.inputs[0])
    if codes is None:
        return False
    params = params_of(source)
    if params.axis not in (None, axis):
        return False
    scale = (params.scale.astype(np.float64) * factors).astype(np.float32)
    many = replace(params, scale=scale, zero_point=np.broadcast_to(params.zero_point, scale.shape), axis=axis)
    graph = node.graph
    if not isinstance(graph, ir.Graph):
        raise ValueError(f"'{node.name}' is in no graph")
    own = ir.node(
        "DequantizeLinear", list(source.inputs), dict(source.attributes), name=f"{name_of(source)}_of_{name_of(node)}"
    )
    graph.insert_before(node, own)
    own.outputs[0].name = f"{source.outputs[0].name}_of_{name_of(node)}"
    node.replace_input_with(index, own.outputs[0])
    put_codes(own, codes, many)
    return True
