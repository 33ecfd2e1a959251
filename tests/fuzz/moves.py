"""What only moves values about, pools or resizes them, of intervals: each end by itself, as none of it ever falls where
its argument rises."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx

from . import kernels
from .interval import ULP, Array, Interval

if TYPE_CHECKING:
    from .reference import Reference

__all__ = ["MOVES", "read_by_resize", "split"]

Attributes = dict[str, Any]
Move = Callable[["Reference", onnx.NodeProto, Attributes, Array], Array]


def _moved(act: Move, loss: float = 0.0) -> Any:
    def apply(found: Reference, node: onnx.NodeProto, attributes: Attributes) -> Interval:
        x = found.values[node.input[0]]
        moved = x.mapped(lambda end: act(found, node, attributes, end))
        return moved.widened(ULP * loss * (act(found, node, attributes, x.magnitude))) if loss else moved

    return apply


def _reshape(found: Reference, node: onnx.NodeProto, attributes: Attributes, x: Array) -> Array:
    wanted = found.ints(node, 1) or []
    return x.reshape([x.shape[i] if size == 0 else size for i, size in enumerate(wanted)])


def _flatten(found: Reference, node: onnx.NodeProto, attributes: Attributes, x: Array) -> Array:
    axis = attributes.get("axis", 1)
    axis = axis + x.ndim if axis < 0 else axis
    return x.reshape(int(np.prod(x.shape[:axis])), -1)


def _squeeze(found: Reference, node: onnx.NodeProto, attributes: Attributes, x: Array) -> Array:
    axes = found.ints(node, 1)
    return np.squeeze(x) if axes is None else np.squeeze(x, tuple(axes))


def _unsqueeze(found: Reference, node: onnx.NodeProto, attributes: Attributes, x: Array) -> Array:
    return np.expand_dims(x, tuple(found.ints(node, 1) or []))


def _transpose(found: Reference, node: onnx.NodeProto, attributes: Attributes, x: Array) -> Array:
    return x.transpose(attributes.get("perm"))


def _gather(found: Reference, node: onnx.NodeProto, attributes: Attributes, x: Array) -> Array:
    return np.take(x, found.constants[node.input[1]], attributes.get("axis", 0))


def _slice(found: Reference, node: onnx.NodeProto, attributes: Attributes, x: Array) -> Array:
    starts, ends = found.ints(node, 1) or [], found.ints(node, 2) or []
    axes, steps = found.ints(node, 3), found.ints(node, 4)
    cut = [slice(None)] * x.ndim
    for start, end, axis, step in zip(
        starts, ends, axes or range(len(starts)), steps or [1] * len(starts), strict=True
    ):
        cut[axis] = slice(start, end if end > -(2**31) else None, step)
    return x[tuple(cut)]


def _pad(found: Reference, node: onnx.NodeProto, attributes: Attributes, x: Array) -> Array:
    pads, axes, mode = found.ints(node, 1) or [], found.ints(node, 3), attributes.get("mode", b"constant").decode()
    around = [(0, 0)] * x.ndim
    chosen = list(range(x.ndim)) if axes is None else axes
    for place, axis in enumerate(chosen):
        around[axis] = (pads[place], pads[place + len(chosen)])
    if mode != "constant":
        return np.pad(x, around, mode={"reflect": "reflect", "edge": "edge", "wrap": "wrap"}[mode])
    fill = found.constants[node.input[2]].item() if len(node.input) > 2 and node.input[2] else 0.0
    return np.pad(x, around, constant_values=fill)


def _axes(found: Reference, node: onnx.NodeProto, attributes: Attributes, rank: int) -> tuple[int, ...]:
    axes = found.ints(node, 1) or list(attributes.get("axes", []))
    return tuple(axis % rank for axis in axes) or tuple(range(rank))


def _reduce(act: Callable[..., Array]) -> Move:
    def apply(found: Reference, node: onnx.NodeProto, attributes: Attributes, x: Array) -> Array:
        return act(x, axis=_axes(found, node, attributes, x.ndim), keepdims=bool(attributes.get("keepdims", 1)))

    return apply


def _global(act: Callable[..., Array]) -> Move:
    return lambda found, node, attributes, x: act(x, axis=tuple(range(2, x.ndim)), keepdims=True)


def _resized(
    found: Reference, node: onnx.NodeProto, attributes: Attributes, shape: tuple[int, ...]
) -> tuple[list[float], list[int]]:
    """Scale and new size of every axis."""
    sizes = found.ints(node, 3)
    given = found.constants[node.input[2]].reshape(-1) if not sizes else None
    scales, wanted = [1.0] * len(shape), list(shape)
    for place, axis in enumerate(attributes.get("axes", range(len(shape)))):
        if given is not None:
            scales[axis] = float(given[place])
            wanted[axis] = int(np.floor(shape[axis] * float(given[place])))
        elif sizes:
            wanted[axis] = sizes[place]
            scales[axis] = sizes[place] / shape[axis]
    return scales, wanted


def _resize(found: Reference, node: onnx.NodeProto, attributes: Attributes) -> Interval:
    x = found.values[node.input[0]]
    scales, sizes = _resized(found, node, attributes, x.shape)
    _, size = kernels.resize(x.magnitude, x.magnitude, scales, sizes, attributes)
    return Interval(*kernels.resize(x.low, x.high, scales, sizes, attributes)).widened(16 * ULP * size)


def read_by_resize(found: Reference, node: onnx.NodeProto, attributes: Attributes) -> Interval:
    """Least and greatest of the numbers that each output is a sum of."""
    x = found.values[node.input[0]]
    return Interval(*kernels.read_by_resize(x.low, x.high, *_resized(found, node, attributes, x.shape), attributes))


def _concat(found: Reference, node: onnx.NodeProto, attributes: Attributes) -> Interval:
    values, axis = found.read(node), attributes["axis"]
    return Interval(*(np.concatenate([getattr(value, end) for value in values], axis) for end in ("low", "high")))


def split(found: Reference, node: onnx.NodeProto, attributes: Attributes) -> list[Interval]:
    x, axis, sizes = found.values[node.input[0]], attributes.get("axis", 0), found.ints(node, 1)
    if sizes is None:
        each = -(-x.shape[axis] // len(node.output))
        sizes = [each] * (len(node.output) - 1)
        sizes.append(x.shape[axis] - sum(sizes))
    places = np.cumsum(sizes)[:-1]
    return [
        Interval(low, high)
        for low, high in zip(np.split(x.low, places, axis), np.split(x.high, places, axis), strict=True)
    ]


MOVES: dict[str, Callable[[Reference, onnx.NodeProto, Attributes], Interval]] = {
    "Identity": _moved(lambda found, node, attributes, x: x),
    "Reshape": _moved(_reshape),
    "Flatten": _moved(_flatten),
    "Squeeze": _moved(_squeeze),
    "Unsqueeze": _moved(_unsqueeze),
    "Transpose": _moved(_transpose),
    "Gather": _moved(_gather),
    "Slice": _moved(_slice),
    "Pad": _moved(_pad),
    "Concat": _concat,
    "MaxPool": _moved(lambda found, node, attributes, x: kernels.max_pool(x, attributes)),
    "AveragePool": _moved(lambda found, node, attributes, x: kernels.average_pool(x, attributes), loss=16),
    "GlobalAveragePool": _moved(_global(np.mean), loss=32),
    "GlobalMaxPool": _moved(_global(np.max)),
    "ReduceMean": _moved(_reduce(np.mean), loss=32),
    "ReduceMax": _moved(_reduce(np.max)),
    "Resize": _resize,
}
