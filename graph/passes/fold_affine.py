"""A factor or a sum a channel behind a convolution goes into its weights and bias."""

from __future__ import annotations

import numpy as np
import onnx_ir as ir
from numpy.typing import NDArray

from ..edit import both_ways, bypass, constant_of, is_op, only_reader
from .fold_batch_norm import absorb

__all__ = ["fold_affine"]


def fold_affine(model: ir.Model) -> bool:
    """Fold y = s x + t, one s and t a channel, written as Mul, Div, Add or Sub by constants, into the layer before it.

    After Conv or ConvTranspose with constant weights that nothing else reads: W' = s W, b' = s b + t. Keras writes its
    batch normalisation so, tf2onnx the bias of a depthwise layer. Ensures: none of these is left. Outputs within 1e-5
    of the largest.
    """
    changed = False
    for node in tuple(model.graph):
        if node.graph is None or not is_op(node, "Mul", "Div", "Add", "Sub"):
            continue
        for source, other in both_ways(node):
            layer = source.producer() if source is not None else None
            if source is None or layer is None or not is_op(layer, "Conv", "ConvTranspose"):
                continue
            numbers = _by_channel(source, other)
            first = node.inputs[0] is source
            if numbers is None or only_reader(source) is not node or (is_op(node, "Div") and not first):
                continue
            scale, shift = _affine(node, numbers, first=first)
            if absorb(model.graph, layer, scale, shift):
                if not first:
                    node.replace_input_with(0, source)
                changed |= bypass(node)
            break
    return changed


def _by_channel(source: ir.Value, other: ir.Value | None) -> NDArray[np.float64] | None:
    """[C] numbers where `other` is constant and differs by channel at most; the result has the shape of `source`."""
    array, shape = constant_of(other), source.shape
    if array is None or shape is None or array.ndim > shape.rank() or not isinstance(shape.dims[1], int):
        return None
    spread = array.reshape((1,) * (shape.rank() - array.ndim) + array.shape)
    if spread.size != spread.shape[1] or spread.shape[1] not in (1, shape.dims[1]):
        return None
    return np.broadcast_to(spread.reshape(-1), (shape.dims[1],)).astype(np.float64)


def _affine(
    node: ir.Node, numbers: NDArray[np.float64], *, first: bool
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """s and t. first: whether what comes from the layer is the first input."""
    ones, zeros = np.ones_like(numbers), np.zeros_like(numbers)
    if is_op(node, "Mul"):
        return numbers, zeros
    if is_op(node, "Div"):
        return 1.0 / numbers, zeros
    if is_op(node, "Add"):
        return ones, numbers
    return (ones, -numbers) if first else (-ones, numbers)
