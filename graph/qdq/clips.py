"""A Relu or Clip that its output's grid does anyway is no step of its own."""

from __future__ import annotations

import math

import onnx_ir as ir

from ..edit import bypass, clip_bounds, is_op, only_reader
from .draft import Draft

__all__ = ["drop_redundant_clips"]


def drop_redundant_clips(draft: Draft) -> None:
    """Take out every Relu and Clip between a float value and codes that could not come out otherwise.

    quantize(clip(x, low, high)) = quantize(x) for all x if and only if low has the least code and high the greatest.
    The layer before, which nothing else may read, then makes the codes itself, under the clip's name. Exact.
    """
    for node in tuple(draft.graph):
        source, result = (node.inputs[0] if node.inputs else None), node.outputs[0]
        if not is_op(node, "Relu", "Clip") or source is None or source in draft.params or result not in draft.params:
            continue
        if source.producer() is None or only_reader(source) is not node or not _redundant(draft, node):
            continue
        name, params = result.name, draft.params.pop(result)
        if bypass(node):
            result.name, source.name = None, name
            draft.params[source] = params
        else:
            draft.params[result] = params


def _redundant(draft: Draft, node: ir.Node) -> bool:
    low, high = (0.0, math.inf) if is_op(node, "Relu") else clip_bounds(node)
    params = draft.params[node.outputs[0]]
    if low is None or high is None or params.per_channel:
        return False
    least, greatest = params.code_range
    return params.code_of(low) == least and params.code_of(high) == greatest
