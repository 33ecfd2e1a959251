"""Ops that move values and change none, and Pad, which writes some."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import onnx_ir as ir
import torch
import torch.nn.functional as F  # noqa: N812 - as all of torch's users know it
from numpy.typing import NDArray
from torch import Tensor

__all__ = ["MOVES"]

Inputs = Sequence[Tensor | None]


def _data(inputs: Inputs) -> Tensor:
    values = inputs[0]
    if values is None:
        raise ValueError("a node without its first input")
    return values


def _constant(node: ir.Node, index: int) -> NDArray[Any] | None:
    value = node.inputs[index] if index < len(node.inputs) else None
    return None if value is None or value.const_value is None else value.const_value.numpy()


def _numbers(node: ir.Node, index: int, attribute: str = "") -> list[int] | None:
    """Integers that are an input, or were an attribute in older opsets; None if there are none."""
    given = _constant(node, index)
    if given is not None:
        return [int(number) for number in given.reshape(-1)]
    return list(node.attributes.get_ints(attribute, [])) or None if attribute else None


def _reshape(node: ir.Node, inputs: Inputs) -> Tensor:
    """To the shape that the file says; where input and output both begin with its batch, with that of `values`."""
    values, shape = _data(inputs), _numbers(node, 1)
    if shape is None:
        raise ValueError(f"the shape of {node.name} is computed while it runs")
    if not node.attributes.get_int("allowzero", 0):
        shape = [values.shape[axis] if size == 0 else size for axis, size in enumerate(shape)]
    batches = [_batch(node.inputs[0]), _batch(node.outputs[0])]
    if shape and batches[0] is not None and batches[0] == batches[1] and shape[0] in (batches[0], -1):
        shape[0] = values.shape[0]
    return values.reshape(shape)


def _batch(value: ir.Value | None) -> int | None:
    if value is None or value.shape is None or len(value.shape) == 0:
        return None
    first = value.shape[0]
    return first if isinstance(first, int) else None


def _flatten(node: ir.Node, inputs: Inputs) -> Tensor:
    values, axis = _data(inputs), node.attributes.get_int("axis", 1)
    axis = axis + values.ndim if axis < 0 else axis
    return values.reshape(int(np.prod(values.shape[:axis], dtype=np.int64)), -1)


def _transpose(node: ir.Node, inputs: Inputs) -> Tensor:
    values = _data(inputs)
    order = list(node.attributes.get_ints("perm", [])) or list(reversed(range(values.ndim)))
    return values.permute(order)


def _squeeze(node: ir.Node, inputs: Inputs) -> Tensor:
    values, axes = _data(inputs), _numbers(node, 1, "axes")
    return values.squeeze() if axes is None else values.squeeze(tuple(axes))


def _unsqueeze(node: ir.Node, inputs: Inputs) -> Tensor:
    values, axes = _data(inputs), _numbers(node, 1, "axes") or []
    rank = values.ndim + len(axes)
    for axis in sorted(axis % rank for axis in axes):
        values = values.unsqueeze(axis)
    return values


def _slice(node: ir.Node, inputs: Inputs) -> Tensor:
    values = _data(inputs)
    starts, ends = _numbers(node, 1), _numbers(node, 2)
    if starts is None or ends is None:
        raise ValueError(f"the ends of {node.name} are computed while it runs")
    axes = _numbers(node, 3) or list(range(len(starts)))
    steps = _numbers(node, 4) or [1] * len(starts)
    for start, end, axis, step in zip(starts, ends, axes, steps, strict=True):
        size = values.shape[axis]
        # Python's slice reads −1 as the last place; ONNX means "before the first" by ends below −size.
        stop = None if step < 0 and end < -size else end
        taken = range(*slice(start, stop, step).indices(size))
        values = values.index_select(axis, torch.tensor(list(taken), dtype=torch.int64))
    return values


def _split(node: ir.Node, inputs: Inputs) -> tuple[Tensor, ...]:
    values, axis = _data(inputs), node.attributes.get_int("axis", 0)
    sizes = _numbers(node, 1)
    if sizes is None:
        each = -(-values.shape[axis] // len(node.outputs))
        sizes = [min(each, values.shape[axis] - first) for first in range(0, values.shape[axis], each)]
    return torch.split_with_sizes(values, sizes, dim=axis)


def _depth_to_space(node: ir.Node, inputs: Inputs) -> Tensor:
    values, block = _data(inputs), node.attributes.get_int("blocksize", 1)
    batch, channels, height, width = values.shape
    less = channels // block**2
    if node.attributes.get_string("mode", "DCR") == "CRD":
        apart = values.reshape(batch, less, block, block, height, width).permute(0, 1, 4, 2, 5, 3)
    else:
        apart = values.reshape(batch, block, block, less, height, width).permute(0, 3, 4, 1, 5, 2)
    return apart.reshape(batch, less, height * block, width * block)


def _space_to_depth(node: ir.Node, inputs: Inputs) -> Tensor:
    values, block = _data(inputs), node.attributes.get_int("blocksize", 1)
    batch, channels, height, width = values.shape
    apart = values.reshape(batch, channels, height // block, block, width // block, block).permute(0, 3, 5, 1, 2, 4)
    return apart.reshape(batch, channels * block**2, height // block, width // block)


def _pad(node: ir.Node, inputs: Inputs) -> Tensor:
    """Constant, reflect, edge or wrap, on any axes; negative pads cut."""
    values, pads = _data(inputs), _numbers(node, 1)
    if pads is None:
        raise ValueError(f"the pads of {node.name} are computed while it runs")
    axes = _numbers(node, 3) or list(range(values.ndim))
    mode = node.attributes.get_string("mode", "constant")
    filled = _constant(node, 2)
    for axis, first, last in zip(axes, pads[: len(axes)], pads[len(axes) :], strict=True):
        if not first and not last:
            continue
        if mode == "constant":
            ends = [0, 0] * values.ndim
            # Torch counts axes from the last one.
            place = 2 * (values.ndim - 1 - axis % values.ndim)
            ends[place], ends[place + 1] = first, last
            values = F.pad(values, ends, value=0.0 if filled is None else float(filled.reshape(())))
        else:
            values = values.index_select(axis, torch.from_numpy(_sources(values.shape[axis], first, last, mode)))
    return values


def _sources(size: int, first: int, last: int, mode: str) -> NDArray[np.int64]:
    """Where each place of a padded axis takes its value."""
    places = np.arange(-first, size + last)
    if mode == "edge":
        return np.clip(places, 0, size - 1)
    if mode == "wrap":
        return places % size
    round_trip = max(2 * (size - 1), 1)
    folded = places % round_trip
    return np.minimum(folded, round_trip - folded) if size > 1 else np.zeros_like(places)


MOVES: dict[str, Callable[[ir.Node, Inputs], Tensor | tuple[Tensor, ...]]] = {
    "Reshape": _reshape,
    "Flatten": _flatten,
    "Transpose": _transpose,
    "Squeeze": _squeeze,
    "Unsqueeze": _unsqueeze,
    "Slice": _slice,
    "Split": _split,
    "Identity": lambda node, inputs: _data(inputs),
    "DepthToSpace": _depth_to_space,
    "SpaceToDepth": _space_to_depth,
    "Pad": _pad,
}
"""Op type → what it does."""
