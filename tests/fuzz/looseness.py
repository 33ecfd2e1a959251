"""Runtimes whose integer kernels round more coarsely than float32, and by how much, kernel by kernel.

LiteRT's built-in kernels carry a factor as M · 2^−shift, M of 31 bits in [1/2, 1), and round twice: the product with M,
then the shift (gemmlowp; Jacob et al. 2018, arXiv:1712.05877, section 2.2). The first rounding is half a unit of
2^−shift codes, no more than the factor itself. A factor of a half or more is not shifted right, and rounded once.
Their MEAN takes the zero point's part of a sum apart and cuts its fraction off: up to one code. Their RESIZE_BILINEAR
says in 10 bits how many pixels of the input one of the output is worth: it reads far ones a little beside their place.
"""

from __future__ import annotations

import numpy as np
import onnx
from onnx import helper

from .interval import Array
from .moves import read_by_resize
from .reference import Held, Looseness, Reference

__all__ = ["LOOSENESS"]

_WEIGHTED = ("Conv", "ConvTranspose", "Gemm", "MatMul")


def _twice(factor: Array) -> Array:
    loss: Array = np.where(factor < 0.5, factor, 0.0)
    return loss


def _builtin(found: Reference, node: onnx.NodeProto, out: Held) -> Array | float:
    scale = float(out.scale[0])
    if node.op_type in _WEIGHTED:
        step = found.step(node)
        if step is None:
            return 0.0
        factor, rank = step / scale, found.values[node.output[0]].low.ndim
        axis = rank - 1 if node.op_type in ("Gemm", "MatMul") else 1
        shape = [1] * rank
        if factor.size > 1:
            channels = found.values[node.output[0]].shape[axis]
            factor = np.tile(factor, channels // factor.size)
            shape[axis] = -1
        return _twice(factor).reshape(shape)
    if node.op_type in ("GlobalAveragePool", "ReduceMean") and node.input[0] in found.held:
        return 1.0 + _mean_of_codes(found, node, out)
    if _bilinear(found, node, out):
        sizes, codes = (
            found.values[node.output[0]].shape[2:],
            found.values[node.input[0]].low / found.held[node.input[0]].scale,
        )
        return sum(size + 1 for size in sizes) * 2.0**-11 * float(codes.max() - codes.min())
    held = [found.held[name] for name in node.input if name in found.held]
    if node.op_type == "Mul" and len(held) == 2:
        return _twice(np.asarray(held[0].scale[0] * held[1].scale[0] / scale))
    if node.op_type == "LeakyRelu" and found.carried(node.input[0]) is not None:
        return float(max(_twice(np.asarray(abs(factor))) for factor in _factors(found, node, out)))
    if node.op_type == "PRelu" and held:
        factors = [held[0].scale[0] / scale, held[0].scale[0] * (held[1].scale[0] if len(held) > 1 else 0) / scale]
        return float(max(_twice(np.asarray(factor)) for factor in factors))
    return 0.0


def _factors(found: Reference, node: onnx.NodeProto, out: Held) -> tuple[float, float]:
    """Of a LeakyRelu's codes above zero and below."""
    held = found.carried(node.input[0])
    above = 0.0 if held is None else float(held.scale[0] / out.scale[0])
    return above, above * next((a.f for a in node.attribute if a.name == "alpha"), 0.01)


def _bilinear(found: Reference, node: onnx.NodeProto, out: Held) -> bool:
    """RESIZE_BILINEAR on codes: onto another scale it runs in float."""
    held = found.held.get(node.input[0])
    linear = any(a.name == "mode" and a.s == b"linear" for a in node.attribute)
    return node.op_type == "Resize" and linear and held is not None and held.scale[0] == out.scale[0]


def _mean_of_codes(found: Reference, node: onnx.NodeProto, out: Held) -> float:
    """A mean of codes in float32, the zero point taken off behind it: its last bits are those of the codes, 255 at
    most, and count where the grid behind is a hundred thousand times finer."""
    means = ("GlobalAveragePool", "ReduceMean", "AveragePool")
    if node.op_type not in means or node.input[0] not in found.held:
        return 0.0
    return 255 * 2.0**-22 * float(found.held[node.input[0]].scale[0] / out.scale[0])


def _shifted_codes(found: Reference, node: onnx.NodeProto, out: Held) -> Array | float:
    """An elementwise op of two reads code · scale − zero point · scale in OpenVINO, the first product in the same
    instruction as the difference, the second rounded before: by up to half a unit of its last place. So 0 is that
    rounding error, for which the intervals, relative to a value, leave no room. Add and Sub put one operand on the
    other's scale first and round four times. It is worth a code where the grid behind is thousands of times finer.
    """
    if node.op_type not in ("Add", "Sub", "Mul"):
        return 0.0
    shifts = [0.0, 0.0]
    for place, name in enumerate(node.input):
        held = found.carried(name)
        if held is not None and held.scale.size == 1:
            shifts[place] = float(np.abs(held.zero_point[0]) * held.scale[0]) * 2.0**-24
    one, other = (found.values[name].magnitude for name in node.input)
    lost: Array | float = 4 * sum(shifts) if node.op_type != "Mul" else shifts[0] * other + shifts[1] * one
    return lost / float(out.scale[0])


def _openvino(found: Reference, node: onnx.NodeProto, out: Held) -> Array | float:
    """Rounds as float32 does, of numbers that are greater than the result: a mean, and a difference."""
    return _mean_of_codes(found, node, out) + _shifted_codes(found, node, out)


def _xnnpack(found: Reference, node: onnx.NodeProto, out: Held) -> Array | float:
    """Its LEAKY_RELU carries both factors in 8 bits behind the point. PRELU it leaves to the built-in kernel, and a
    LEAKY_RELU with a factor outside 2⁻⁸ to 2⁷, too.

    Its RESIZE_BILINEAR carries the share of each neighbour in 11 bits (xnn_indirection_init_resize_bilinear2d_hwc_q11:
    lrintf(alpha · 2048)) and all sums of codes exactly, rounding once (xnn_s8_ibilinear_ukernel). So along each axis a
    share is half of 2⁻¹¹ beside its value at most, and moves the sum by that much of how far the neighbours are apart.
    """
    if _bilinear(found, node, out):
        attributes = {a.name: helper.get_attribute_value(a) for a in node.attribute}
        read, sizes = read_by_resize(found, node, attributes), found.values[node.input[0]].shape
        axes = sum(old != new for old, new in zip(sizes, read.shape, strict=True))
        return axes * 2.0**-12 * (read.high - read.low) / out.scale[0]
    held = found.carried(node.input[0])
    if node.op_type == "LeakyRelu" and held is not None:
        if not all(2.0**-8 <= factor <= 2.0**7 for factor in _factors(found, node, out)):
            return _builtin(found, node, out)
        x = found.values[node.input[0]]
        return x.magnitude / held.scale[0] * 2.0**-9
    return _builtin(found, node, out) if node.op_type == "PRelu" else 0.0


def _onnxruntime(found: Reference, node: onnx.NodeProto, out: Held) -> Array | float:
    """Its QLinearSoftmax cuts off what is left of a division: a lone 1 becomes 255/256. Its QLinearAdd takes each zero
    point off as a number of its own, float32, in steps of the output: its last bits count on a grid a hundred thousand
    times finer than that of what is added.
    """
    held = [found.held[name] for name in node.input if name in found.held]
    if node.op_type == "Add" and len(held) == 2:
        return float(sum(255 * 2.0**-23 * one.scale[0] / out.scale[0] for one in held))
    return 1.0 if node.op_type == "Softmax" and held else 0.0


LOOSENESS: dict[str, Looseness] = {
    "litert builtin": _builtin,
    "litert xnnpack": _xnnpack,
    "onnxruntime": _onnxruntime,
    "openvino": _openvino,
}
"""By engine; any other rounds as float32 does."""
