"""What OpenVINO gets wrong: the conditions on a graph, and their rows."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np
import onnx

from .draft import Drawn
from .kernels import pads_of
from .known import Known, constants_of, grids_of, nodes_of, off_zero, readers_of, says_same, unchanged
from .openvino_codes import OPENVINO_ON_CODES
from .reference import evaluate

__all__ = ["OPENVINO"]


_SCALES = ("Mul", "Div", "Add", "Sub", "Reshape", "Flatten", "Squeeze", "Unsqueeze", "Identity", "Transpose")


def _rounded_bounds(drawn: Drawn) -> bool:
    """A bound that is no code of the grid which the Clip reads, by way of constants that scale it or not."""
    grids, held = grids_of(drawn), constants_of(drawn)
    makers = {name: node for node in drawn.model.graph.node for name in node.output}
    for node, _ in nodes_of(drawn, "Clip"):
        source, scaled = node.input[0], False
        while source not in grids and source in makers and makers[source].op_type in _SCALES:
            maker, scaled = makers[source], True
            source = next((name for name in maker.input if name in grids or name in makers), "")
        if source not in grids:
            continue
        steps = [float(held[name]) / float(grids[source][0]) for name in node.input[1:] if name]
        if scaled or any(abs(step - round(step)) > 1e-6 for step in steps):
            return True
    return False


def _depth_one(drawn: Drawn) -> bool:
    shapes = {name: value.shape for name, value in evaluate(drawn.model, drawn.feeds).values.items()}
    return any(
        shapes[node.input[1]][-1 if a.get("transB", 0) else -2] == 1 for node, a in nodes_of(drawn, "Gemm", "MatMul")
    )


def _clip_beyond(drawn: Drawn) -> bool:
    """A Clip all of whose results have the outermost code of the grid behind it."""
    held, ends = constants_of(drawn), {}
    for node, _ in nodes_of(drawn, "QuantizeLinear"):
        scale, zero_point = (held[name] for name in node.input[1:])
        info = np.iinfo(zero_point.dtype)
        ends[node.input[0]] = ((info.min - zero_point) * scale, (info.max - zero_point) * scale)
    for node, _ in nodes_of(drawn, "Clip"):
        if node.output[0] in ends:
            least, greatest = ends[node.output[0]]
            low, high = ([float(held[name]) if name else None for name in node.input[1:]] + [None, None])[:2]
            if (low is not None and low >= greatest) or (high is not None and high <= least):
                return True
    return False


def _quantised_maximum(drawn: Drawn) -> bool:
    grids = grids_of(drawn)
    quantised = {node.input[0] for node, _ in nodes_of(drawn, "QuantizeLinear")}
    return any(
        node.input[0] not in grids and node.output[0] in quantised and _of_channels(drawn, node, a)
        for node, a in nodes_of(drawn, "ReduceMax")
    )


def _of_channels(drawn: Drawn, node: onnx.NodeProto, attributes: dict[str, Any]) -> bool:
    """Whether it reduces an axis in front of the image's, which the export leaves as it is."""
    axes = constants_of(drawn)[node.input[1]] if len(node.input) > 1 else attributes.get("axes", [0])
    rank = len(evaluate(drawn.model, drawn.feeds).values[node.input[0]].shape)
    return any(axis % rank < 2 for axis in axes)


def _strided_pads(drawn: Drawn) -> bool:
    shapes = {name: value.shape for name, value in evaluate(drawn.model, drawn.feeds).values.items()}
    return any(
        set(shapes[node.input[1]][2:]) == {1} and max(a.get("strides", [1])) > 1 and any(a.get("pads", []))
        for node, a in nodes_of(drawn, "Conv")
    )


def _gaps_between_channels(drawn: Drawn) -> bool:
    """A transposed layer on codes with a pair behind it, some of whose outputs lie between its windows and so are its
    biases alone. One whose kernel reaches from window to window runs in int8, and is right."""
    found, readers = evaluate(drawn.model, drawn.feeds), readers_of(drawn)
    for node, a in nodes_of(drawn, "ConvTranspose"):
        if len(node.input) < 3 or off_zero(drawn, node.input[0]) or a.get("group", 1) > 1:
            continue
        step, kernel = found.step(node), found.values[node.input[1]].shape[2:]
        gaps = any(k < s for k, s in zip(kernel, a.get("strides", kernel), strict=True))
        behind = [reader for reader in readers.get(node.output[0], []) if reader is not None]
        for clamp in [reader for reader in behind if reader.op_type in ("Relu", "Clip")]:
            behind += [reader for reader in readers.get(clamp.output[0], []) if reader is not None]
        quantised = any(reader.op_type == "QuantizeLinear" for reader in behind)
        if gaps and quantised and step is not None and np.unique(step).size > 1:
            return True
    return False


def _beyond_pads(drawn: Drawn) -> bool:
    """A mean that counts its pads and whose last window goes on behind them."""
    values = evaluate(drawn.model, drawn.feeds).values
    for node, a in nodes_of(drawn, "AveragePool"):
        count = len(a["kernel_shape"])
        pads, strides = a.get("pads", [0] * 2 * count), a.get("strides", [1] * count)
        if not (a.get("ceil_mode", 0) and a.get("count_include_pad", 0) and any(pads)):
            continue
        sizes, places = values[node.input[0]].shape[2:], values[node.output[0]].shape[2:]
        for i, k in enumerate(a["kernel_shape"]):
            if (places[i] - 1) * strides[i] + k > sizes[i] + pads[i] + pads[i + count]:
                return True
    return False


def _maximum_beside(drawn: Drawn) -> bool:
    quantised = {node.input[0] for node, _ in nodes_of(drawn, "QuantizeLinear")}
    read = {node.input[0] for node, _ in nodes_of(drawn, "Conv", "ConvTranspose", "Gemm", "MatMul")}
    return any(
        node.input[0] in read and off_zero(drawn, node.input[0]) and node.output[0] in quantised
        and _of_channels(drawn, node, a)
        for node, a in nodes_of(drawn, "ReduceMax")
    )  # fmt: skip


def _filled_codes(drawn: Drawn) -> bool:
    """A Pad's number that is no code: the export writes the others as codes."""
    grids, held = grids_of(drawn), constants_of(drawn)
    for node, _ in nodes_of(drawn, "Pad"):
        if node.input[0] in grids and len(node.input) > 2 and node.input[2] and held[node.input[2]].any():
            scale, zero_point = grids[node.input[0]]
            code, info = float(held[node.input[2]] / scale + zero_point), np.iinfo(zero_point.dtype)
            if abs(code - round(code)) > 1e-4 or not info.min <= code <= info.max:
                return True
    return False


def _padded_strides(drawn: Drawn) -> bool:
    padded = {node.output[0] for node, a in nodes_of(drawn, "Pad") if a.get("mode", b"constant") == b"constant"}
    return any(
        node.input[0] in padded and max(a.get("strides", [1])) > 1 and (any(a.get("pads", [])) or says_same(a))
        for node, a in nodes_of(drawn, "ConvTranspose")
    )


def _factors_of_places(drawn: Drawn) -> bool:
    """A Mul or Div with a constant that differs from place to place, then a Conv whose kernel it fits: it is multiplied
    into the kernel (the pass MultiplyConvolutionFusion), which is right where the one window is the image."""
    held, values, grids = constants_of(drawn), evaluate(drawn.model, drawn.feeds).values, grids_of(drawn)
    readers, idle = readers_of(drawn), unchanged(drawn)
    makers = {name: node for node in drawn.model.graph.node for name in node.output}
    for node, a in nodes_of(drawn, "Conv"):
        name = node.input[0]
        while name in idle and makers[name].op_type not in ("Mul", "Div"):
            name = idle[name]
        maker = makers.get(name)
        if maker is None or maker.op_type not in ("Mul", "Div") or len(readers[name]) > 1:
            continue
        factors, scaled = sorted(maker.input, key=lambda given: given not in held)
        if factors not in held or scaled in held or scaled in grids:
            continue
        factor, image, kernel = held[factors].shape, values[scaled].shape, values[node.input[1]].shape[2:]
        # A constant of all axes is kept apart, and so is one that a smaller value divides.
        if factor == image or (maker.op_type == "Div" and maker.input[0] == factors and prod(factor) >= prod(image)):
            continue
        ones = [1] * len(kernel)
        extents = [(k - 1) * d + 1 for k, d in zip(kernel, a.get("dilations", ones), strict=True)]
        pads = pads_of(a, image[2:], extents, a.get("strides", ones))
        of_places = [*ones, *factor][-len(kernel) :]
        padded = [before or after for before, after in zip(pads[: len(kernel)], pads[len(kernel) :], strict=True)]
        fits = all(f in (1, k) for f, k in zip(of_places, kernel, strict=True))
        if fits and any(f > 1 and around for f, around in zip(of_places, padded, strict=True)):
            return True
    return False


OPENVINO: tuple[Known, ...] = (
    Known(
        "bounds of a Clip on codes", "openvino", "2026.4.1", ("openvino",),
        "Clip of codes, or of codes times or plus a constant, with a bound that lies between two of them",
        "rounds the bound to a code first", _rounded_bounds,
    ),
    Known(
        "a Clip beyond its grid", "openvino", "2026.4.1", ("openvino",),
        "Conv, then a Clip whose lower bound is above all codes of the grid behind it, or its upper bound below",
        "codes outside int8's range", _clip_beyond,
    ),
    Known(
        "matrix products of depth 1", "openvino", "2026.4.1", ("openvino",),
        "Gemm or MatMul by weights with one row, behind others",
        'refuses to load: "Layout rank" or "MatMulTransformation"', _depth_one,
    ),
    Known(
        "a maximum that is quantised", "openvino", "2026.4.1", ("openvino",),
        "ReduceMax of float values over channels, with a QuantizeLinear behind", "gives the greatest code",
        _quantised_maximum,
    ),
    Known(
        "strides of padded 1×1 layers", "openvino", "2026.4.1", ("openvino",),
        "Conv with a kernel of 1, strides above 1 and pads, behind an elementwise op, float or not",
        "an output of another shape: strides are moved to the op before", _strided_pads,
    ),
    Known(
        "biases between windows", "openvino", "2026.4.1", ("openvino",),
        "ConvTranspose of codes with zero point 0, without groups, with a bias, scales by channel, a kernel smaller "
        "than its stride and a pair behind",
        "all channels on the scale of the first", _gaps_between_channels,
    ),
    Known(
        "means behind their pads", "openvino", "2026.4.1", ("openvino",),
        "AveragePool with pads, ceil_mode and count_include_pad, whose last window goes on behind the pads",
        "counts what lies behind the pads as well", _beyond_pads,
    ),
    Known(
        "a maximum beside a layer", "openvino", "2026.4.1", ("openvino",),
        "ReduceMax over channels, quantised, of codes whose zero point is not 0 and that a layer reads as well",
        "other codes", _maximum_beside,
    ),
    Known(
        "a Pad's number as a code", "openvino", "2026.4.1", ("openvino",),
        "Pad of codes with a constant that lies between two codes", 'refuses to load: "PadTransformation"',
        _filled_codes,
    ),
    Known(
        "a Pad before strides", "openvino", "2026.4.1", ("openvino",),
        "Pad with a constant, then ConvTranspose with strides above 1 and pads",
        "an output of another shape: takes the Pad off the layer's pads, without the stride", _padded_strides,
    ),
    Known(
        "factors of places", "openvino", "2026.4.1", ("openvino",),
        "Mul or Div with a constant that differs from place to place, then Conv with pads and a kernel of the image's "
        "size in those axes",
        "multiplies the kernel by it (its pass MultiplyConvolutionFusion), the same in all windows",
        _factors_of_places,
    ),
    *OPENVINO_ON_CODES,
)  # fmt: skip
