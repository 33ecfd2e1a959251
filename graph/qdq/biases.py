"""Biases of integer layers are int32 codes on the accumulator's grid."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx_ir as ir
from numpy.typing import NDArray

from ..edit import constant_of, is_op
from ..quantization import QuantParams
from .draft import Draft
from .params import same_grid

__all__ = ["settle_biases"]

_INT32_MAX = 2**31 - 1


def settle_biases(draft: Draft) -> tuple[ir.Node, ...]:
    """Hold the bias of every integer Conv, ConvTranspose and Gemm as int32 with scale = s_in · s_weight, zero point 0.

    Biases that others left in float, or on a grid of their own, are rounded to that one: at most half a step of the
    accumulator, as every integer runtime does with them. Those already there keep their codes. A bias that does not fit
    into int32 stays as it is, and its layer in float. Returns the layers whose bias is held so.
    """
    settled = []
    for node in draft.graph:
        if not is_op(node, "Conv", "ConvTranspose", "Gemm") or len(node.inputs) < 3 or node.inputs[2] is None:
            continue
        if any(node.attributes.get_float(factor, 1.0) != 1.0 for factor in ("alpha", "beta")):
            continue  # no sum of codes alone
        grid, made = _accumulator_grid(draft, node), draft.made_by(node)
        if grid is not None and made is not None and _settle(draft, node, node.inputs[2], grid, made):
            settled.append(node)
    return tuple(settled)


def _accumulator_grid(draft: Draft, node: ir.Node) -> QuantParams | None:
    source, weight = node.inputs[0], node.inputs[1]
    if source is None or weight is None or source not in draft.params or weight not in draft.params:
        return None
    held, weights = draft.params[source], draft.params[weight]
    scales = _by_output(node, weight, weights)
    if held.per_channel or scales is None:
        return None
    scale = (held.scale * scales).astype(np.float32)
    return QuantParams(scale, np.zeros(scale.shape, np.int64), "int32", 0 if scale.size > 1 else None)


def _by_output(node: ir.Node, weight: ir.Value, weights: QuantParams) -> NDArray[np.float32] | None:
    """A scale for each output channel, or one for all; None where the scales lie on another axis.

    A transposed convolution in groups, [C_in, C_out / group, …], has those of a group's outputs for every group, or, a
    depthwise one, one for all outputs of a channel.
    """
    if not weights.per_channel:
        return weights.scale
    if is_op(node, "ConvTranspose"):
        group = node.attributes.get_int("group", 1)
        if weights.axis == 1:
            return np.tile(weights.scale, group)
        rows, each = weight.shape.numpy()[:2] if weight.shape is not None else (0, 0)
        return np.repeat(weights.scale, each) if rows == group else None
    wanted = 1 if is_op(node, "Gemm") and not node.attributes.get_int("transB", 0) else 0
    return weights.scale if weights.axis == wanted else None


def _settle(draft: Draft, node: ir.Node, bias: ir.Value, grid: QuantParams, made: QuantParams) -> bool:
    held = draft.params.get(bias)
    if held is not None and (same_grid(held, grid) or _nearly(held, grid)):
        return True
    real = _one_a_channel(constant_of(bias), grid)
    if real is None or np.abs(real / grid.scale).max(initial=0) > _INT32_MAX:
        return False
    codes: NDArray[np.int32] = grid.quantize(real.astype(np.float64)).astype(np.int32)
    node.replace_input_with(2, None)
    name = str(bias.name)
    if not bias.uses() and not bias.is_graph_output():
        draft.forget(bias)
    settled = draft.add_codes(name, codes, grid)
    node.replace_input_with(2, settled)
    change = np.abs(real.astype(np.float64) - grid.dequantize(codes)).max(initial=0)
    if change:
        draft.rounded[str(settled.name)] = float(change / made.scale.min())
    return True


def _one_a_channel(real: NDArray[Any] | None, grid: QuantParams) -> NDArray[Any] | None:
    """[C], [1, C] or one number as a vector; None of a bias that differs by row."""
    if real is None or real.shape[-1:] not in ((), (real.size,)):
        return None
    return np.broadcast_to(real.reshape(-1), grid.scale.shape) if real.size == 1 else real.reshape(-1)


def _nearly(held: QuantParams, grid: QuantParams) -> bool:
    """The same grid but for the rounding of the product of two scales."""
    if held.dtype != "int32" or held.zero_point.any():
        return False
    return held.scale.size in (1, grid.scale.size) and np.allclose(held.scale, grid.scale, rtol=1e-6, atol=0)
