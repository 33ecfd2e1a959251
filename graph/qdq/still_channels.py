"""Channels that give one code whatever they read, and whose sums could leave int32, lose their weights."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import onnx_ir as ir
from numpy.typing import NDArray

from ..edit import is_op
from ..quantization import QuantParams
from .draft import Draft

__all__ = ["still_channels"]

_INT32 = 2**31
_MARGIN = 0.25
"""In steps of the output: further from the middle of two codes than any two engines' requantisation differ."""


def still_channels(draft: Draft, layers: Iterable[ir.Node]) -> None:
    """Put weights of integer Conv and Gemm to zero, a channel at a time, where no input can tell.

    Some quantisers give a channel that never fires so small a scale that its bias lies at the end of int32, and the sum
    of its products could leave it; the layer would have to run in float. Where every sum that its inputs' codes allow
    has the same output code, the bias alone has it too. A Relu or Clip between only brings sums nearer together.
    layers: those whose bias is int32 codes on the grid of their sums, as `settle_biases` returns them.
    """
    for node in layers:
        source, weight, bias = node.inputs[:3]
        if (
            source is None
            or weight is None
            or bias is None
            or weight not in draft.codes
            or is_op(node, "ConvTranspose")
        ):
            continue
        made = draft.made_by(node)
        if made is None or made.per_channel:
            continue
        still = _still(draft, weight, bias, draft.params[source], made)
        if still.any():
            _without(draft, node, weight, still)


def _still(draft: Draft, weight: ir.Value, bias: ir.Value, read: QuantParams, made: QuantParams) -> NDArray[np.bool_]:
    """[C_out]: sums could leave int32, and all have one code."""
    held = draft.params[weight]
    zero = held.zero_point if held.zero_point.size == 1 else held.zero_point.reshape(-1, 1)
    rows = draft.codes[weight].reshape(len(draft.codes[weight]), -1).astype(np.int64) - zero
    ends = np.array(read.code_range) - int(read.zero_point[0])
    least = np.minimum(rows * ends[0], rows * ends[1]).sum(axis=1)
    most = np.maximum(rows * ends[0], rows * ends[1]).sum(axis=1)
    offset = draft.codes[bias].reshape(-1).astype(np.int64)
    outside = np.abs(offset) + 255 * np.abs(rows).sum(axis=1) >= _INT32
    steps = draft.params[bias].scale.astype(np.float64) / float(made.scale[0])
    low, high = made.code_range
    zero_point = int(made.zero_point[0])
    first = np.clip(np.rint((offset + least) * steps - _MARGIN) + zero_point, low, high)
    last = np.clip(np.rint((offset + most) * steps + _MARGIN) + zero_point, low, high)
    one: NDArray[np.bool_] = outside & (first == last)
    return one


def _without(draft: Draft, node: ir.Node, weight: ir.Value, still: NDArray[np.bool_]) -> None:
    params, codes = draft.params[weight], draft.codes[weight].copy()
    zero = np.broadcast_to(params.zero_point, still.shape)[still]
    codes[still] = zero.astype(codes.dtype).reshape(-1, *(1,) * (codes.ndim - 1))
    node.replace_input_with(1, None)
    name = str(weight.name)
    if not weight.uses() and not weight.is_graph_output():
        draft.forget(weight)
    node.replace_input_with(1, draft.add_codes(name, codes, params))
