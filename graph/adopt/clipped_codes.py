"""A Clip of codes between QuantizeLinear and DequantizeLinear, as brevitas and torch's exporter write narrow ranges."""

from __future__ import annotations

import numpy as np
import onnx_ir as ir

from ...errors import GraphError
from ..edit import add_initializer, constant_of, is_op
from ..qdq.params import is_quantize, params_of
from .settled import name_of

__all__ = ["real_clips"]


def real_clips(model: ir.Model) -> list[str]:
    """Take every such Clip out. Exact: quantise(clip(x, real(a), real(b))) = clip(quantise(x), a, b) for codes a ≤ b.

    1. Bounds that every code keeps to anyway: it goes.
    2. Others: a Clip of the real values before QuantizeLinear.
    Only of codes that are quantised per tensor, with constant bounds. Returns a line for each sort.
    """
    gone = moved = 0
    for clip in tuple(model.graph):
        source = clip.inputs[0] if clip.inputs else None
        quantize = None if source is None else source.producer()
        if not is_op(clip, "Clip") or quantize is None or not is_quantize(quantize) or clip.graph is None:
            continue
        if constant_of(quantize.inputs[0]) is not None:
            continue  # a constant, and settled as such
        bounds = [constant_of(value) for value in clip.inputs[1:] if value is not None]
        if any(bound is None for bound in bounds) or source is None:
            continue
        try:
            params = params_of(quantize)
        except GraphError:
            continue  # told by the survey
        least, greatest = params.code_range
        low, high = (_bound(clip, 1, least), _bound(clip, 2, greatest))
        narrow = (low, high) != (least, greatest)
        if narrow:
            if params.per_channel or len(tuple(source.uses())) > 1 or not least <= low <= high <= greatest:
                continue
            _clip_before(quantize, *(float(params.dequantize(np.array(code))) for code in (low, high)))
        clip.outputs[0].replace_all_uses_with(source, replace_graph_outputs=True)
        clip.graph.remove(clip, safe=True)
        gone, moved = gone + (not narrow), moved + narrow
    told = [f"{gone} clips of codes that do nothing left out"] if gone else []
    return [*told, *([f"{moved} clips of codes moved before QuantizeLinear"] if moved else [])]


def _bound(clip: ir.Node, index: int, unbounded: int) -> int:
    bound = constant_of(clip.inputs[index]) if index < len(clip.inputs) else None
    return unbounded if bound is None else int(bound.reshape(()))


def _clip_before(quantize: ir.Node, low: float, high: float) -> None:
    graph, source = quantize.graph, quantize.inputs[0]
    if not isinstance(graph, ir.Graph) or source is None:
        raise ValueError(f"'{quantize.name}' is in no graph")
    name = name_of(quantize)
    bounds = [
        add_initializer(graph, f"{name}_{end}", np.array(real, np.float32))
        for end, real in (("low", low), ("high", high))
    ]
    clip = ir.node("Clip", [source, *bounds], name=f"{name}_narrowed")
    clip.outputs[0].name = f"{source.name}_narrowed"
    clip.outputs[0].shape, clip.outputs[0].type = source.shape, source.type
    graph.insert_before(quantize, clip)
    quantize.replace_input_with(0, clip.outputs[0])
