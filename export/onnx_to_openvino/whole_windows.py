"""Reductions of an image whose size is known become pools with a window of that size.

OpenVINO (2026.4.1) gives other codes for a maximum over axes that is quantised, and takes the constants behind a mean
over the one axis of a rank 3 image in another order. Pools with a window have neither fault.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .proto import Looked, replace_nodes

__all__ = ["window_reductions"]

_POOLS = {
    "GlobalMaxPool": "MaxPool",
    "ReduceMax": "MaxPool",
    "GlobalAveragePool": "AveragePool",
    "ReduceMean": "AveragePool",
}
_ONE_AXIS = 3
"""The rank of an image with one axis, [N, C, L]."""
_AXES_AS_INPUT = 13
"""The first opset whose Squeeze takes its axes as an input."""


def window_reductions(looked: Looked) -> bool:
    """Maxima over axes of the image, and means over the one axis of rank 3. Those over channels stay as they are.

    Changes the model in place. Returns whether it did.
    """
    return looked.opset >= _AXES_AS_INPUT and replace_nodes(looked, _pooled)


def _pooled(looked: Looked, node: Any) -> list[Any]:
    from onnx import helper

    window = _window(looked, node)
    if not window:
        return []
    output = node.output[0]
    dropped = node.op_type.startswith("Reduce") and not looked.attributes(node).get("keepdims", 1)
    pooled = f"{output}_pooled" if dropped else output
    pool = helper.make_node(_POOLS[node.op_type], node.input[:1], [pooled], node.name, kernel_shape=window)
    if not dropped:
        return [pool]
    axes = looked.add(f"{output}_axes", np.array(_axes(looked, node, len(window) + 2), np.int64))
    return [pool, helper.make_node("Squeeze", [pooled, axes], [output], f"{pooled}_squeezed")]


def _window(looked: Looked, node: Any) -> list[int]:
    """The size of the image in the axes that `node` reduces, 1 in others; [] where it stays as it is."""
    if node.op_type not in _POOLS:
        return []
    sizes = looked.sizes(node.input[0]) or []
    rank = len(sizes)
    axes = _axes(looked, node, rank)
    if not axes or min(axes) < 2 or any(not sizes[axis] for axis in axes):
        return []
    if _POOLS[node.op_type] == "AveragePool" and rank != _ONE_AXIS:
        return []
    return [sizes[axis] if axis in axes else 1 for axis in range(2, rank)]


def _axes(looked: Looked, node: Any, rank: int) -> Sequence[int]:
    if node.op_type.startswith("Global"):
        return range(2, rank)
    given = looked.attributes(node).get("axes", [])
    if len(node.input) > 1 and node.input[1]:
        held = looked.array(node.input[1])
        given = [] if held is None else held.tolist()
    return sorted(int(axis) % rank for axis in given) if rank else []
