"""What OpenVINO gets wrong on codes alone, where it plans and runs layers in int8: the conditions, and their rows.

In its source, the passes in src/common/low_precision_transformations, and oneDNN's kernels and snippets in the CPU
plugin.
"""

from __future__ import annotations

from math import prod

import numpy as np
import onnx

from . import kernels
from .draft import Drawn
from .known import Known, constants_of, grids_of, nodes_of, off_zero, readers_of
from .reference import evaluate

__all__ = ["OPENVINO_ON_CODES"]


def _nothing_but_pads(drawn: Drawn) -> bool:
    """One window wide, whose two columns of taps lie on either side of the image; and pads above, below or between.

    The part of a sum that belongs to the zero point is worked out beforehand for every place, but not where no tap
    reads the image: what lies in memory is taken there. The code 0 needs no such part; int8 counts from -128 here.
    """
    grids, values = grids_of(drawn), evaluate(drawn.model, drawn.feeds).values
    for node, a in nodes_of(drawn, "Conv"):
        if node.input[0] not in grids or grids[node.input[0]][1] == np.iinfo(grids[node.input[0]][1].dtype).min:
            continue
        image, weight = values[node.input[0]].shape[2:], values[node.input[1]].shape
        kernel, ones = weight[2:], [1] * len(image)
        strides, dilations = a.get("strides", ones), a.get("dilations", ones)
        pads = kernels.pads_of(a, image, [(k - 1) * d + 1 for k, d in zip(kernel, dilations, strict=True)], strides)
        before, after = pads[: len(image)], pads[len(image) :]
        apart = kernel[-1] == 2 and dilations[-1] == image[-1] + 1 and before[-1] == after[-1] == 1
        apart = apart and any(before[:-1] + after[:-1])
        if apart and (weight[1] > 1 or a.get("group", 1) == 1):
            return True
    return False


_MOST_OF_MATRICES = 200
"""Numbers of an output: layers with more were never seen in the kernel of matrices, 162 were."""


def _short_sums(drawn: Drawn) -> bool:
    """A depthwise layer with a multiplier whose products of two taps in a row do not fit 16 bits together.

    Its kernel (oneDNN's jit_gemm, of matrices) adds them two by two in 16 bits on processors that need not, with VNNI.
    """
    found, grids = evaluate(drawn.model, drawn.feeds), grids_of(drawn)
    for node, a in nodes_of(drawn, "Conv"):
        if not (node.input[0] in grids and node.input[1] in found.held):
            continue
        (scale, zero_point), weight = grids[node.input[0]], found.held[node.input[1]]
        taps = found.values[node.input[1]].middle / weight.aligned(weight.scale, len(found.values[node.input[1]].shape))
        small = found.values[node.output[0]].low[0].size <= _MOST_OF_MATRICES
        if not (small and taps.shape[0] > a.get("group", 1) > 1 == taps.shape[1]):
            continue
        # Codes of int8 are counted from the least one. Pads are what 0 is.
        steps, nothing = found.values[node.input[0]].middle / scale, int(zero_point) - np.iinfo(zero_point.dtype).min
        place = np.arange(taps[0].size).reshape(taps[0].shape)
        for first in range(0, place.size, 2):
            two = np.where(place // 2 == first // 2, taps, 0)
            of_nothing = nothing * two.sum(axis=tuple(range(1, two.ndim)))
            sums = kernels.conv(steps, two, a) + of_nothing.reshape(1, -1, *[1] * (two.ndim - 2))
            if sums.max() >= 2**15 or sums.min() < -(2**15):
                return True
    return False


def _transposed_offsets(drawn: Drawn) -> bool:
    """A transposed layer on codes with zero point 0 whose weights have another."""
    held, grids = constants_of(drawn), grids_of(drawn)
    coded = {node.output[0]: node for node, _ in nodes_of(drawn, "DequantizeLinear") if node.input[0] in held}
    return any(
        a.get("group", 1) == 1
        and node.input[0] in grids
        and not off_zero(drawn, node.input[0])
        and node.input[1] in coded
        and bool(held[coded[node.input[1]].input[2]].any())
        for node, a in nodes_of(drawn, "ConvTranspose")
    )


_CURVES = ("Sigmoid", "Tanh", "HardSwish")
_JOINED = ("Clip", "Relu", "LeakyRelu", "PRelu", "Add", "Sub")


def _lost_scales(drawn: Drawn) -> bool:
    """The same kernel with one scale for all weights and something joined to it: the scale is lost, and all sums are 0.

    Without a bias, a pair behind what is joined takes the scale over.
    """
    found, grids, readers = evaluate(drawn.model, drawn.feeds), grids_of(drawn), readers_of(drawn)
    for node, a in nodes_of(drawn, "Conv"):
        if not (node.input[0] in grids and node.input[1] in found.held):
            continue
        weight, small = found.values[node.input[1]].shape, found.values[node.output[0]].low[0].size <= _MOST_OF_MATRICES
        if not (small and weight[0] > a.get("group", 1) > 1 == weight[1]):
            continue
        if np.unique(found.held[node.input[1]].scale).size > 1:
            continue
        for reader in readers.get(node.output[0], []):
            if reader is None or reader.op_type not in (*_CURVES, *_JOINED):
                continue
            behind = {None if other is None else other.op_type for other in readers.get(reader.output[0], [])}
            if reader.op_type in _CURVES or len(node.input) > 2 or behind != {"QuantizeLinear"}:
                return True
    return False


_MOVES = (
    "Identity", "Relu", "Reshape", "Flatten", "Squeeze", "Unsqueeze", "Transpose", "Slice", "Split", "Gather", "Concat",
    "MaxPool", "GlobalMaxPool", "ReduceMax",
)  # fmt: skip
"""What codes are carried through as they are."""


def _grids_alike(drawn: Drawn) -> bool:
    """Codes that go from one scale to another, both zero points 0, by which the outermost moves by less than a code.

    The pass EliminateFakeQuantize looks at the bounds alone, which round to themselves or are clipped.
    """
    grids, held = grids_of(drawn), constants_of(drawn)
    carried = dict(grids)
    for node, _ in nodes_of(drawn, *_MOVES):
        if node.input[0] in carried:
            carried |= dict.fromkeys(node.output, carried[node.input[0]])
    for node, _ in nodes_of(drawn, "QuantizeLinear"):
        if node.input[0] not in carried:
            continue
        (old, before), (new, after) = carried[node.input[0]], (held[name] for name in node.input[1:])
        if before.any() or after.any() or old == new or before.dtype != after.dtype:
            continue
        info = np.iinfo(after.dtype)
        if max(info.max, -info.min) * abs(float(new) / float(old) - 1) <= (info.max - info.min) / 256:
            return True
    return False


_CARRIES = (*_MOVES, "Pad", "Resize")
_ON_CODES = ("MatMul", "Gemm", "LeakyRelu", "PRelu", "GlobalAveragePool", "ReduceMean")
_BY_TWO = ("Add", "Sub", "Mul", "Div")


def _rounded_means(drawn: Drawn) -> bool:
    """A mean of codes without a pair that something reads which OpenVINO would run on codes, moves between or not.

    Its passes hold the mean as codes then (MarkupAvgPoolPrecisionPreserved), as if a pair were behind it.
    """
    found, grids, readers, held = (
        evaluate(drawn.model, drawn.feeds),
        grids_of(drawn),
        readers_of(drawn),
        constants_of(drawn),
    )

    def on_codes(node: onnx.NodeProto) -> bool:
        if node.op_type in ("Conv", "ConvTranspose"):
            return node.input[1] in found.held
        if node.op_type == "AveragePool":
            return any(attribute.name == "ceil_mode" and attribute.i for attribute in node.attribute)
        if node.op_type in _ON_CODES or (node.op_type in _BY_TWO and not held.keys() & node.input):
            return True
        behind = {None if reader is None else reader.op_type for reader in readers.get(node.output[0], [])}
        return node.op_type in (*_BY_TWO, "BatchNormalization", "Clip") and behind != {"QuantizeLinear"}

    means = [
        node.output[0]
        for node, a in nodes_of(drawn, "AveragePool")
        if prod(a["kernel_shape"]) > 1 and node.input[0] in grids
    ]
    # The export makes pools of these.
    means += [
        node.output[0]
        for node, _ in nodes_of(drawn, "GlobalAveragePool", "ReduceMean")
        if len(found.values[node.input[0]].shape) == 3 and node.input[0] in grids
    ]
    while means:
        for reader in readers.get(means.pop(), []):
            if reader is not None and on_codes(reader):
                return True
            if reader is not None and reader.op_type in _CARRIES:
                means += reader.output
    return False


OPENVINO_ON_CODES: tuple[Known, ...] = (
    Known(
        "windows around the image", "openvino", "2026.4.1", ("openvino",),
        "Conv of codes, not depthwise, whose two columns of taps lie in the pads on either side of the image, with "
        "pads above or below as well, and a zero point that is not the least code",
        "numbers of another size, not the same each time", _nothing_but_pads,
    ),
    Known(
        "sums of two taps", "openvino", "2026.4.1", ("openvino",),
        "depthwise Conv of codes with a multiplier above 1, at most 200 outputs and two taps whose products are beyond "
        "16 bits together",
        "those sums end at 16 bits, on processors with VNNI as well", _short_sums,
    ),
    Known(
        "zero points of transposed weights", "openvino", "2026.4.1", ("openvino",),
        "ConvTranspose of codes with zero point 0 by weights whose zero point is not 0, without groups",
        "leaves the zero point in the weights", _transposed_offsets,
    ),
    Known(
        "scales of multiplied channels", "openvino", "2026.4.1", ("openvino",),
        "depthwise Conv of codes with a multiplier above 1, one scale for all weights and at most 200 outputs, then a "
        "Sigmoid, Tanh or HardSwish; with a bias, or without a pair behind, also a Clip, Relu, LeakyRelu, PRelu, Add "
        "or Sub",
        "all sums are 0", _lost_scales,
    ),
    Known(
        "means without a pair", "openvino", "2026.4.1", ("openvino",),
        "AveragePool of codes (or a mean over the one axis of rank 3) without a pair, then, moved or not, a layer, a "
        "mean (AveragePool: with ceil_mode), LeakyRelu, PRelu, Add, Sub, Mul, Div, BatchNormalization or Clip",
        "rounds the mean to a code (its pass MarkupAvgPoolPrecisionPreserved)", _rounded_means,
    ),
    Known(
        "grids that are almost alike", "openvino", "2026.4.1", ("openvino",),
        "codes with zero point 0, moved or not, then a pair with zero point 0 and a scale so near that the outermost "
        "code moves by less than one",
        "leaves that pair out (its pass EliminateFakeQuantize): codes differ by 1", _grids_alike,
    ),
)  # fmt: skip
