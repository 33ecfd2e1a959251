"""Everything about a quantised graph that cannot be read, gathered before anything is done."""

from __future__ import annotations

from collections.abc import Iterator

import onnx_ir as ir

from ...errors import GraphError, UnsupportedQuantization
from ..edit import constant_of
from .params import is_dequantize, is_quantize, one_scale, params_of, same_grid

__all__ = ["refuse_all", "survey"]

_QDQ = {
    "accepted": "float operations between DequantizeLinear and QuantizeLinear",
    "hint": "write the quantised model in QDQ format, with float inputs and outputs",
}
_INTEGER_OPS = frozenset(
    ("QLinearConv", "QLinearMatMul", "ConvInteger", "MatMulInteger", "DynamicQuantizeLinear", "MatMulNBits")
)


def refuse_all(model: ir.Model) -> None:
    """Raise UnsupportedQuantization if the graph is not QDQ as the reader takes it, with every node and its reason."""
    found = tuple(survey(model))
    if found:
        raise UnsupportedQuantization(found)


def survey(model: ir.Model) -> Iterator[GraphError]:
    """What is wrong with each node, in order."""
    for node in model.graph:
        if is_quantize(node):
            yield from _quantize(node)
        elif is_dequantize(node):
            yield from _dequantize(node)
        elif node.op_type in _INTEGER_OPS or node.op_type.startswith("QLinear"):
            yield GraphError(f"'{node.name}' ({node.op_type})", "works on integer codes", **_QDQ)


def _quantize(node: ir.Node) -> Iterator[GraphError]:
    try:
        params_of(node)
    except GraphError as error:
        yield error
        return
    codes = node.outputs[0]
    others = [f"'{use.name}' ({use.op_type})" for use in codes.consumers() if not is_dequantize(use)]
    if codes.is_graph_output():
        others.append(f"output '{codes.name}'")
    if others:
        yield GraphError(", ".join(others), "works on integer codes", **_QDQ)


def _dequantize(node: ir.Node) -> Iterator[GraphError]:
    source = node.inputs[0]
    quantize = None if source is None else source.producer()
    try:
        params = one_scale(params_of(node))
        if quantize is None or not is_quantize(quantize):
            if constant_of(source) is None:
                yield GraphError(
                    f"'{node.name}' (DequantizeLinear)",
                    "reads codes that no QuantizeLinear made",
                    accepted="float inputs, and float operations between DequantizeLinear and QuantizeLinear",
                    hint="write the quantised model in QDQ format, with float inputs and outputs",
                )
            return
    except GraphError as error:
        # Said of its QuantizeLinear already, where that is the cause.
        if quantize is None or not is_quantize(quantize):
            yield error
        return
    try:
        theirs = one_scale(params_of(quantize))
    except GraphError:
        return
    if not same_grid(params, theirs):
        yield GraphError(
            f"'{node.name}' (DequantizeLinear)", f"disagrees with '{quantize.name}' on scale or zero point"
        )
