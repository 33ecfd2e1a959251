"""Padding in a node of its own goes into the convolution or pool behind it."""

from __future__ import annotations

import numpy as np
import onnx_ir as ir

from ..edit import bypass, clip_bounds, constant_of, is_op, scalar_of

__all__ = ["fold_pad"]


def fold_pad(model: ir.Model) -> bool:
    """Fold a constant, non-negative, purely spatial Pad into every reader, if all of them can take it. Exact.

    1. Conv: by zero.
    2. AveragePool, floor mode, that has no pads or counts them: by zero, counting pads from then on.
    3. MaxPool, floor mode: by −∞, or by zero where what is padded is never negative (Relu, Clip from 0 up, Sigmoid,
       HardSigmoid), since there a zero never beats the true maximum.

    Requires explicit pads (explicit_attributes). Ensures: no such Pad is left.
    """
    changed = False
    for node in tuple(model.graph):
        pads = _spatial_pads(node) if is_op(node, "Pad") else None
        if pads is None or node.outputs[0].is_graph_output():
            continue
        readers = node.outputs[0].uses()
        if not readers or not all(use.idx == 0 and _takes(use.node, node) for use in readers):
            continue
        for use in tuple(readers):
            _give(use.node, pads)
        changed |= bypass(node)
    return changed


def _spatial_pads(node: ir.Node) -> list[int] | None:
    """The pads as a convolution writes them, starts then ends; None if the Pad does something else."""
    source = node.inputs[0]
    pads = constant_of(node.inputs[1])
    if node.attributes.get_string("mode", "constant") != "constant" or pads is None:
        return None
    if source is None or source.shape is None or source.shape.rank() < 3 or (pads < 0).any():
        return None
    rank = source.shape.rank()
    axes = constant_of(node.inputs[3]) if len(node.inputs) > 3 else None
    full = np.zeros((2, rank), np.int64)
    full[:, np.arange(rank) if axes is None else axes % rank] = pads.reshape(2, -1)
    return None if full[:, :2].any() else [int(pad) for pad in full[:, 2:].reshape(-1)]


def _takes(reader: ir.Node, pad: ir.Node) -> bool:
    given = pad.inputs[2] if len(pad.inputs) > 2 else None
    value = 0.0 if given is None else scalar_of(given)
    if is_op(reader, "Conv"):
        return value == 0 and "auto_pad" not in reader.attributes
    if reader.attributes.get_int("ceil_mode", 0) or "auto_pad" in reader.attributes:
        return False
    if is_op(reader, "AveragePool"):
        counted = reader.attributes.get_int("count_include_pad", 0)
        return value == 0 and bool(counted or not any(reader.attributes.get_ints("pads", [])))
    if is_op(reader, "MaxPool"):
        below = value == -np.inf or (value == 0 and _never_negative(pad.inputs[0]))
        return below and len(reader.outputs) == 1 and _narrow(reader, pad)
    return False


def _narrow(reader: ir.Node, pad: ir.Node) -> bool:
    """No window lies wholly in the padding: MaxPool demands that pads are smaller than its kernel."""
    pads = _spatial_pads(pad) or []
    own = list(reader.attributes.get_ints("pads", [0] * len(pads)))
    kernel = list(reader.attributes.get_ints("kernel_shape", []))
    return all(new + old < size for new, old, size in zip(pads, own, kernel * 2, strict=True))


def _never_negative(value: ir.Value | None) -> bool:
    node = None if value is None else value.producer()
    if is_op(node, "Relu", "Sigmoid", "HardSigmoid"):
        return True
    low = clip_bounds(node)[0] if node is not None and is_op(node, "Clip") else None
    return low is not None and low >= 0


def _give(reader: ir.Node, pads: list[int]) -> None:
    own = reader.attributes.get_ints("pads", [0] * len(pads))
    together = [new + old for new, old in zip(pads, own, strict=True)]
    reader.attributes["pads"] = ir.AttrInt64s("pads", together)
    if is_op(reader, "AveragePool"):
        reader.attributes["count_include_pad"] = ir.AttrInt64("count_include_pad", 1)
