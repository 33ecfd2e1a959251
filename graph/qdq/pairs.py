"""Activations: x → QuantizeLinear → DequantizeLinear → y becomes one value that is held as codes."""

from __future__ import annotations

import onnx_ir as ir

from ...errors import GraphError
from ..quantization import QuantParams
from .draft import Draft
from .params import is_quantize, one_scale, params_of, same_grid

__all__ = ["merge_pairs"]


def merge_pairs(draft: Draft) -> None:
    """Merge every pair, in the order of execution.

    1. x is already held on that grid (a pair behind a pair): y is x.
    2. x is read by QuantizeLinear nodes of one grid alone, and is no output: y is x, from now on held as codes.
    3. Otherwise x is needed as it is, in float or on another grid: a QuantizeLinear node of its own makes y from x.

    A merged value keeps the name it had before QuantizeLinear, unless y is an output of the graph: then it takes y's.
    Requires what `survey` looks for. Ensures: no DequantizeLinear is left. Exact.
    """
    for node in tuple(draft.graph):
        if is_quantize(node):
            _merge(draft, node)


def _merge(draft: Draft, quantize: ir.Node) -> None:
    source, params = quantize.inputs[0], one_scale(params_of(quantize))
    if source is None:
        raise GraphError(f"'{quantize.name}' (QuantizeLinear)", "has no input")
    twins = tuple(quantize.outputs[0].consumers())
    joins = source in draft.params and same_grid(draft.params[source], params)
    if not joins and _only_quantized(draft, source, params):
        draft.params[source] = params
        joins = True
    # Outputs come first, for only one of them can give its name away.
    for twin in sorted(twins, key=lambda node: not node.outputs[0].is_graph_output()):
        output = twin.outputs[0]
        output_name, is_output = output.name or quantize.name or "quantized", output.is_graph_output()
        fixed = source.is_graph_output() or source.is_graph_input() or source.is_initializer()
        if joins and not (is_output and fixed):
            target = source
        else:
            target = draft.add_quantize(source, params, draft.free_name(output_name + "_on_grid"), quantize)
        output.replace_all_uses_with(target, replace_graph_outputs=True)
        draft.graph.remove(twin, safe=True)
        if is_output or target is not source:
            target.name = output_name
    draft.graph.remove(quantize, safe=True)


def _only_quantized(draft: Draft, source: ir.Value, params: QuantParams) -> bool:
    if source in draft.params or source.is_graph_output() or source.is_initializer():
        return False
    return all(is_quantize(use) and same_grid(one_scale(params_of(use)), params) for use in source.consumers())
