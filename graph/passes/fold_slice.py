"""What is cut off a transposed convolution goes into its pads."""

from __future__ import annotations

import numpy as np
import onnx_ir as ir

from ..edit import bypass, constant_of, is_op, only_reader

__all__ = ["fold_slice"]

_ELEMENTWISE = ("Relu", "Clip", "HardSwish", "HardSigmoid", "Sigmoid", "Tanh", "LeakyRelu", "Elu")
"""With one input that holds data, and nothing that differs by position."""


def fold_slice(model: ir.Model) -> bool:
    """Fold a Slice of spatial axes, step 1, into the pads of the ConvTranspose before it. Exact.

    1. Right behind the ConvTranspose, or behind activations that nobody else reads.
    2. Only what lies inside: pads grow by what is cut off, `output_padding` stays.

    Requires explicit pads (explicit_attributes) and known shapes. Ensures: no such Slice is left. Frameworks with pads
    that torch cannot say (TensorFlow's SAME) end in one.
    """
    changed = False
    for node in tuple(model.graph):
        cut = _cut(node) if is_op(node, "Slice") else None
        layer = None if cut is None else _layer_before(node)
        if cut is None or layer is None:
            continue
        before, after = cut
        pads = list(layer.attributes.get_ints("pads", [0] * (2 * len(before))))
        layer.attributes["pads"] = ir.AttrInt64s(
            "pads", [old + new for old, new in zip(pads, before + after, strict=True)]
        )
        _forget_shapes(layer, node)
        changed |= bypass(node)
    return changed


def _cut(node: ir.Node) -> tuple[list[int], list[int]] | None:
    """How much of each spatial axis is cut off before and behind; None where the Slice does anything else."""
    source, result = node.inputs[0], node.outputs[0]
    if source is None or source.shape is None or result.shape is None or source.shape.rank() < 3:
        return None
    if result.shape.dims[:2] != source.shape.dims[:2] or not all(
        isinstance(size, int) for size in (*source.shape.dims[1:], *result.shape.dims[1:])
    ):
        return None
    given = [constant_of(value) for value in node.inputs[1:]]
    computed = [array is None and value is not None for array, value in zip(given, node.inputs[1:], strict=True)]
    if len(given) < 2 or any(computed):
        return None
    starts, ends, axes, steps = [*given, None, None][:4]
    if starts is None or ends is None or (steps is not None and (steps != 1).any()):
        return None
    rank = source.shape.rank()
    which = np.arange(len(starts)) if axes is None else axes % rank
    before, after = [0] * (rank - 2), [0] * (rank - 2)
    for axis, start, end in zip(which, starts, ends, strict=True):
        size = int(source.shape.dims[axis])
        first, last, _ = slice(int(start), int(end)).indices(size)
        if axis < 2:
            if (first, last) != (0, size):
                return None
            continue
        before[axis - 2], after[axis - 2] = first, size - last
    return before, after


def _layer_before(node: ir.Node) -> ir.Node | None:
    value, reader = node.inputs[0], node
    while value is not None and only_reader(value) is reader:
        producer = value.producer()
        if is_op(producer, "ConvTranspose") and producer is not None:
            plain = "auto_pad" not in producer.attributes and "output_shape" not in producer.attributes
            return producer if plain else None
        if producer is None or not is_op(producer, *_ELEMENTWISE):
            return None
        value, reader = producer.inputs[0], producer
    return None


def _forget_shapes(layer: ir.Node, end: ir.Node) -> None:
    """From the layer to the Slice, all have its shape."""
    value = layer.outputs[0]
    while value is not end.outputs[0]:
        value.shape = end.outputs[0].shape
        value = next(iter(value.uses())).node.outputs[0]
