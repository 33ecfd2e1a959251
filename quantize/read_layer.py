"""From a node with weights to a `Layer`, and from a layer's arrays back to the layout of the file."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx_ir as ir
from numpy.typing import NDArray

from ..graph.kinds import kind_of
from .layer import Layer

__all__ = ["WITH_WEIGHTS", "channel_axis", "in_file_layout", "read_layer"]

WITH_WEIGHTS = ("Conv", "ConvTranspose", "Gemm")


def read_layer(node: ir.Node, output: str) -> Layer:
    """Read Conv, ConvTranspose or Gemm. output: the value that its grid is for, after the activations it takes in."""
    weight = _weight(node)
    bias = _array(node, 2)
    channels = weight.shape[0]
    # A Gemm's bias may be one number for all channels.
    flat = np.zeros(channels, np.float32) if bias is None else np.broadcast_to(bias.reshape(-1), (channels,))
    source = node.inputs[0]
    if source is None:
        raise ValueError(f"{node.name} has no input")
    return Layer(
        name=node.name or "",
        kind=kind_of(node),
        source=source.name or "",
        output=output,
        weight=weight,
        bias=flat.astype(np.float32),
        group=node.attributes.get_int("group", 1),
        strides=_per_dimension(node, "strides", weight.ndim - 2),
        dilations=_per_dimension(node, "dilations", weight.ndim - 2),
        pads=_pads(node, weight.ndim - 2),
        output_size=_spatial(node.outputs[0]),
    )


def in_file_layout(op: str, array: NDArray[Any], group: int = 1) -> NDArray[Any]:
    """From the layout of `Layer.weight` to the file's, or back: ConvTranspose has its input channels first.

    A depthwise ConvTranspose of one output a channel, [C, 1, …], lies the same in both; others in groups are not read.
    Gemm has its output channels first in canonical form (transB = 1).
    """
    return np.ascontiguousarray(np.swapaxes(array, 0, 1)) if channel_axis(op, group) else array


def channel_axis(op: str, group: int = 1) -> int:
    """Axis of the output channels in the file's layout."""
    return 1 if op == "ConvTranspose" and group == 1 else 0


def _weight(node: ir.Node) -> NDArray[np.float32]:
    weight = _array(node, 1)
    if weight is None:
        raise ValueError(f"{node.name} has no weight")
    return in_file_layout(node.op_type, weight, node.attributes.get_int("group", 1))


def _array(node: ir.Node, index: int) -> NDArray[np.float32] | None:
    value = node.inputs[index] if index < len(node.inputs) else None
    return None if value is None or value.const_value is None else value.const_value.numpy().astype(np.float32)


def _spatial(value: ir.Value) -> tuple[int, ...]:
    return tuple(size for size in value.shape[2:] if isinstance(size, int)) if value.shape is not None else ()


def _per_dimension(node: ir.Node, name: str, dimensions: int) -> tuple[int, ...]:
    return tuple(node.attributes.get_ints(name, [1] * dimensions) or [1] * dimensions)


def _pads(node: ir.Node, dimensions: int) -> tuple[tuple[int, int], ...]:
    """(begin, end) a dimension. Canonical form has no auto_pad."""
    pads = list(node.attributes.get_ints("pads", [0] * 2 * dimensions) or [0] * 2 * dimensions)
    return tuple(zip(pads[:dimensions], pads[dimensions:], strict=True))
