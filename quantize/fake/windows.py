"""Ops with a window: convolutions and pools in 1-D, 2-D and 3-D, with pads that may differ at the two ends."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil

import onnx_ir as ir
import torch
import torch.nn.functional as F  # noqa: N812 - as all of torch's users know it
from torch import Tensor

__all__ = ["average_pool", "convolve", "convolve_transposed", "max_pool"]

Inputs = Sequence[Tensor | None]
_CONVOLVE = {1: F.conv1d, 2: F.conv2d, 3: F.conv3d}
_TRANSPOSE = {1: F.conv_transpose1d, 2: F.conv_transpose2d, 3: F.conv_transpose3d}
_MAX_POOL = {1: F.max_pool1d, 2: F.max_pool2d, 3: F.max_pool3d}


def convolve(node: ir.Node, inputs: Inputs) -> Tensor:
    values, weight, bias = _operands(inputs)
    count = weight.ndim - 2
    strides, dilations, begin, end = _window(node, count)
    if begin != end:
        values, begin = _padded(values, begin, end, 0.0), [0] * count
    group = node.attributes.get_int("group", 1)
    result: Tensor = _CONVOLVE[count](values, weight, bias, strides, begin, dilations, group)
    return result


def convolve_transposed(node: ir.Node, inputs: Inputs) -> Tensor:
    """weight: in the file's layout, [C_in, C_out / group, *kernel]. Pads are cut off the whole output."""
    values, weight, bias = _operands(inputs)
    count = weight.ndim - 2
    strides, dilations, begin, end = _window(node, count)
    extra = list(node.attributes.get_ints("output_padding", [0] * count) or [0] * count)
    group = node.attributes.get_int("group", 1)
    # Torch bounds its own output padding by the stride; zeros at the end are the same for any.
    whole: Tensor = _TRANSPOSE[count](values, weight, None, strides, 0, 0, group, dilations)
    whole = _padded(whole, [0] * count, extra, 0.0)
    for axis, (first, last) in enumerate(zip(begin, end, strict=True), start=2):
        whole = whole.narrow(axis, first, whole.shape[axis] - first - last)
    return whole if bias is None else whole + bias.reshape(-1, *[1] * count)


def max_pool(node: ir.Node, inputs: Inputs) -> Tensor:
    values = _data(inputs)
    kernel = list(node.attributes.get_ints("kernel_shape", []))
    count = len(kernel)
    strides, dilations, begin, end = _window(node, count)
    end = _reached(node, values, kernel, strides, dilations, begin, end)
    if any(begin) or any(end):
        values = _padded(values, begin, end, -torch.inf)
    result: Tensor = _MAX_POOL[count](values, kernel, strides, 0, dilations)
    return result


def average_pool(node: ir.Node, inputs: Inputs) -> Tensor:
    """The sum in each window by the number of values in it; with count_include_pad, of pads too."""
    values = _data(inputs)
    kernel = list(node.attributes.get_ints("kernel_shape", []))
    count = len(kernel)
    strides, dilations, begin, end = _window(node, count)
    reached = _reached(node, values, kernel, strides, dilations, begin, end)
    ones = torch.ones((1, 1, *kernel), dtype=values.dtype)

    def sums(planes: Tensor) -> Tensor:
        flat = planes.reshape(-1, 1, *planes.shape[2:])
        result: Tensor = _CONVOLVE[count](flat, ones, None, strides, 0, dilations)
        return result.reshape(*planes.shape[:2], *result.shape[2:])

    counted = torch.ones((1, 1, *values.shape[2:]), dtype=values.dtype)
    if node.attributes.get_int("count_include_pad", 0):
        beyond = [last - first for last, first in zip(reached, end, strict=True)]
        counted = _padded(_padded(counted, begin, end, 1.0), [0] * count, beyond, 0.0)
    else:
        counted = _padded(counted, begin, reached, 0.0)
    return sums(_padded(values, begin, reached, 0.0)) / sums(counted)


def _operands(inputs: Inputs) -> tuple[Tensor, Tensor, Tensor | None]:
    values, weight, *rest = inputs
    if values is None or weight is None:
        raise ValueError("a convolution without values or weights")
    return values, weight, rest[0] if rest else None


def _data(inputs: Inputs) -> Tensor:
    values = inputs[0]
    if values is None:
        raise ValueError("a pool without values")
    return values


def _window(node: ir.Node, count: int) -> tuple[list[int], list[int], list[int], list[int]]:
    """(strides, dilations, pads at the beginnings, pads at the ends). Canonical form has no auto_pad."""
    strides = list(node.attributes.get_ints("strides", []) or [1] * count)
    dilations = list(node.attributes.get_ints("dilations", []) or [1] * count)
    pads = list(node.attributes.get_ints("pads", []) or [0] * 2 * count)
    return strides, dilations, pads[:count], pads[count:]


def _padded(values: Tensor, begin: Sequence[int], end: Sequence[int], filled: float) -> Tensor:
    if not any(begin) and not any(end):
        return values
    # Torch counts axes from the last one.
    ends = [size for pair in reversed(list(zip(begin, end, strict=True))) for size in pair]
    return F.pad(values, ends, value=filled)


def _reached(
    node: ir.Node,
    values: Tensor,
    kernel: Sequence[int],
    strides: Sequence[int],
    dilations: Sequence[int],
    begin: Sequence[int],
    end: Sequence[int],
) -> list[int]:
    """Pads at the ends as far as the last window reaches: with ceil_mode it may pass the pads of the file."""
    if not node.attributes.get_int("ceil_mode", 0):
        return list(end)
    reached = []
    rows = zip(values.shape[2:], kernel, strides, dilations, begin, end, strict=True)
    for size, taps, stride, dilation, first, last in rows:
        extent = (taps - 1) * dilation + 1
        windows = ceil((size + first + last - extent) / stride) + 1
        # A window that would begin in the pads at the end is left out.
        windows -= (windows - 1) * stride >= size + first
        reached.append(max((windows - 1) * stride + extent - size - first, 0))
    return reached
