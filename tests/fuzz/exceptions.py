"""What the runtimes themselves get wrong, each by name, with the version that has it and the graphs that show it.

An exception excuses one runtime on a graph that meets its condition, and nothing else. `test_exceptions.py` shows each
of them on the smallest graph, so that an upgrade which mends one tells us, and the row goes.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import onnx
from onnx import helper, numpy_helper
from sepia.check.saturation import saturates

from .draft import Drawn
from .interval import Array
from .known import Known, unchanged
from .moved_codes import CRASHES, MOVED, float_weights_behind_moves
from .reference import evaluate

__all__ = ["EXCEPTIONS", "SATURATES", "Known", "exception_table", "excuse"]


_BOTH = ("onnxruntime", "onnxruntime plain")


def _nodes(drawn: Drawn, *ops: str) -> Iterator[tuple[onnx.NodeProto, dict[str, Any]]]:
    for node in drawn.model.graph.node:
        if node.op_type in ops:
            yield node, {a.name: helper.get_attribute_value(a) for a in node.attribute}


def _same(attributes: dict[str, Any]) -> bool:
    return attributes.get("auto_pad", b"").startswith(b"SAME")


def _same_dilated(drawn: Drawn) -> bool:
    return any(_same(a) and max(a.get("dilations", [1])) > 1 for _, a in _nodes(drawn, "Conv", "MaxPool"))


def _same_skips(drawn: Drawn) -> bool:
    return any(
        _same(a) and any(k < s for k, s in zip(a["kernel_shape"], a.get("strides", [1] * 9), strict=False))
        for _, a in _nodes(drawn, "MaxPool", "AveragePool")
    )


def _grids(drawn: Drawn) -> dict[str, tuple[Array, Array]]:
    """Scale and zero point of every value that a DequantizeLinear makes of codes which the graph computes."""
    held = _constants(drawn)
    return {
        node.output[0]: (held[node.input[1]], held[node.input[2]])
        for node in drawn.model.graph.node
        if node.op_type == "DequantizeLinear" and node.input[0] not in held
    }


def _off_zero(drawn: Drawn, name: str) -> bool:
    """Whether 0 has a code other than 0."""
    grid = _grids(drawn).get(name)
    return grid is not None and bool(grid[1].any())


def _counted_pads(drawn: Drawn) -> bool:
    return any(
        a.get("count_include_pad", 0) and (any(a.get("pads", [])) or _same(a)) and _off_zero(drawn, node.input[0])
        for node, a in _nodes(drawn, "AveragePool")
    )


def _padded_codes(drawn: Drawn) -> bool:
    return any(
        a.get("mode", b"constant") == b"constant" and _off_zero(drawn, node.input[0])
        for node, a in _nodes(drawn, "Pad")
    )


def _float_weights(drawn: Drawn) -> bool:
    """WeightBiasQuantization."""
    if float_weights_behind_moves(drawn):
        return True
    initialisers, codes = set(_constants(drawn)), _grids(drawn)
    return any(
        node.input[1] in initialisers and node.input[0] in codes
        for node, _ in _nodes(drawn, "Conv", "ConvTranspose", "Gemm")
    )


def _constants(drawn: Drawn) -> dict[str, Array]:
    return {tensor.name: numpy_helper.to_array(tensor) for tensor in drawn.model.graph.initializer}


def _rounded_bounds(drawn: Drawn) -> bool:
    """A bound that is no code of the grid which the Clip reads, by way of constants that scale it or not."""
    grids, held = _grids(drawn), _constants(drawn)
    makers = {name: node for node in drawn.model.graph.node for name in node.output}
    for node, _ in _nodes(drawn, "Clip"):
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


_SCALES = ("Mul", "Div", "Add", "Sub", "Reshape", "Flatten", "Squeeze", "Unsqueeze", "Identity", "Transpose")


def _multiplied_pads(drawn: Drawn) -> bool:
    shapes = {name: value.shape for name, value in evaluate(drawn.model, drawn.feeds).values.items()}
    return any(
        shapes[node.input[1]][0] > a.get("group", 1) > 1
        and shapes[node.input[1]][1] == 1
        and (any(a.get("pads", [])) or _same(a))
        and _off_zero(drawn, node.input[0])
        for node, a in _nodes(drawn, "Conv")
    )


def _depth_one(drawn: Drawn) -> bool:
    shapes = {name: value.shape for name, value in evaluate(drawn.model, drawn.feeds).values.items()}
    return any(
        shapes[node.input[1]][-1 if a.get("transB", 0) else -2] == 1 for node, a in _nodes(drawn, "Gemm", "MatMul")
    )


def _slopes_of_one_axis(drawn: Drawn) -> bool:
    values = evaluate(drawn.model, drawn.feeds).values
    return any(
        len(values[node.input[0]].shape) > 2 and values[node.input[1]].shape == values[node.input[0]].shape[1:2] != (1,)
        for node, _ in _nodes(drawn, "PRelu")
    )


def _clip_beyond(drawn: Drawn) -> bool:
    """A Clip all of whose results have the outermost code of the grid behind it."""
    held, ends = _constants(drawn), {}
    for node, _ in _nodes(drawn, "QuantizeLinear"):
        scale, zero_point = (held[name] for name in node.input[1:])
        info = np.iinfo(zero_point.dtype)
        ends[node.input[0]] = ((info.min - zero_point) * scale, (info.max - zero_point) * scale)
    for node, _ in _nodes(drawn, "Clip"):
        if node.output[0] in ends:
            least, greatest = ends[node.output[0]]
            low, high = ([float(held[name]) if name else None for name in node.input[1:]] + [None, None])[:2]
            if (low is not None and low >= greatest) or (high is not None and high <= least):
                return True
    return False


def _bias_overflows(drawn: Drawn) -> bool:
    """A float bias beyond int32 on the grid of its layer's sums."""
    found = evaluate(drawn.model, drawn.feeds)
    for node, _ in _nodes(drawn, "Conv", "ConvTranspose", "Gemm"):
        step = found.step(node)
        if step is None or len(node.input) < 3 or node.input[2] in found.held:
            continue
        if np.abs(found.values[node.input[2]].low).max() / step.min() >= 2.0**31:
            return True
    return False


def _quantised_maximum(drawn: Drawn) -> bool:
    grids = _grids(drawn)
    quantised = {node.input[0] for node, _ in _nodes(drawn, "QuantizeLinear")}
    return any(
        node.input[0] not in grids and node.output[0] in quantised
        for node, _ in _nodes(drawn, "GlobalMaxPool", "ReduceMax")
    )


def _strided_pads(drawn: Drawn) -> bool:
    shapes = {name: value.shape for name, value in evaluate(drawn.model, drawn.feeds).values.items()}
    return any(
        set(shapes[node.input[1]][2:]) == {1} and max(a.get("strides", [1])) > 1 and any(a.get("pads", []))
        for node, a in _nodes(drawn, "Conv")
    )


def _gaps_between_channels(drawn: Drawn) -> bool:
    """A transposed layer on codes, some of whose outputs lie between its windows and so are its biases alone."""
    found = evaluate(drawn.model, drawn.feeds)
    for node, a in _nodes(drawn, "ConvTranspose"):
        if len(node.input) < 3 or _off_zero(drawn, node.input[0]):
            continue
        step, kernel = found.step(node), found.values[node.input[1]].shape[2:]
        strides, extra = a.get("strides", [1] * len(kernel)), a.get("output_padding", [0] * len(kernel))
        gaps = any(k < s for k, s in zip(kernel, strides, strict=True)) or any(extra)
        if gaps and step is not None and np.unique(step).size > 1:
            return True
    return False


def _one_column(drawn: Drawn) -> bool:
    values = evaluate(drawn.model, drawn.feeds).values
    for node, a in _nodes(drawn, "Conv"):
        image, kernel = values[node.input[0]].shape, values[node.input[1]].shape
        width = (kernel[-1] - 1) * a.get("dilations", [1] * len(kernel))[-1] + 1
        one = image[1] == 1 and values[node.output[0]].shape[-1] == 1
        if one and len(kernel) > 3 and min(kernel[-2:]) > 2 and image[-1] > width:
            return True
    return False


def _beyond_pads(drawn: Drawn) -> bool:
    """A mean that counts its pads and whose last window goes on behind them."""
    values = evaluate(drawn.model, drawn.feeds).values
    for node, a in _nodes(drawn, "AveragePool"):
        count = len(a["kernel_shape"])
        pads, strides = a.get("pads", [0] * 2 * count), a.get("strides", [1] * count)
        if not (a.get("ceil_mode", 0) and a.get("count_include_pad", 0) and any(pads)):
            continue
        sizes, places = values[node.input[0]].shape[2:], values[node.output[0]].shape[2:]
        for i, k in enumerate(a["kernel_shape"]):
            if (places[i] - 1) * strides[i] + k > sizes[i] + pads[i] + pads[i + count]:
                return True
    return False


def _short_reductions(drawn: Drawn) -> bool:
    held, values = _constants(drawn), evaluate(drawn.model, drawn.feeds).values
    reduced = {
        node.output[0]
        for node, _ in _nodes(drawn, "GlobalAveragePool", "GlobalMaxPool", "ReduceMean", "ReduceMax")
        if len(values[node.output[0]].shape) == 3
        and values[node.input[0]].shape[0] > 1 == values[node.output[0]].shape[2]
    }
    return any(
        set(node.input) & reduced and any(name in held and held[name].size > 1 for name in node.input)
        for node, _ in _nodes(drawn, "BatchNormalization", "Mul", "Div", "Add", "Sub", "PRelu")
    )


def _clamped_multiples(drawn: Drawn) -> bool:
    grids, values = _grids(drawn), evaluate(drawn.model, drawn.feeds).values
    quantised = {node.input[0] for node, _ in _nodes(drawn, "QuantizeLinear")}
    multiplied = {
        node.output[0]
        for node, a in _nodes(drawn, "Conv")
        if values[node.input[1]].shape[0] > a.get("group", 1) == values[node.input[0]].shape[1] > 1
        and node.input[0] in grids
    }
    return any(node.input[0] in multiplied and node.output[0] not in quantised for node, _ in _nodes(drawn, "Clip"))


def _maximum_beside(drawn: Drawn) -> bool:
    quantised = {node.input[0] for node, _ in _nodes(drawn, "QuantizeLinear")}
    read = {node.input[0] for node, _ in _nodes(drawn, "Conv", "ConvTranspose", "Gemm", "MatMul")}
    return any(
        node.input[0] in read and _off_zero(drawn, node.input[0]) and node.output[0] in quantised
        for node, _ in _nodes(drawn, "GlobalMaxPool", "ReduceMax")
    )


def _filled_codes(drawn: Drawn) -> bool:
    grids, held = _grids(drawn), _constants(drawn)
    return any(
        node.input[0] in grids and len(node.input) > 2 and bool(node.input[2]) and bool(held[node.input[2]].any())
        for node, _ in _nodes(drawn, "Pad")
    )


def _padded_strides(drawn: Drawn) -> bool:
    padded = {node.output[0] for node, a in _nodes(drawn, "Pad") if a.get("mode", b"constant") == b"constant"}
    return any(
        node.input[0] in padded and max(a.get("strides", [1])) > 1 and (any(a.get("pads", [])) or _same(a))
        for node, a in _nodes(drawn, "ConvTranspose")
    )


def _two_pairs(drawn: Drawn) -> bool:
    """A QuantizeLinear that reads what a DequantizeLinear made, through what the optimiser takes out at most."""
    grids = dict(_grids(drawn))
    idle = unchanged(drawn)
    for node in drawn.model.graph.node:
        if node.input[0] in grids and (node.op_type in ("Clip", "Relu") or node.output[0] in idle):
            grids[node.output[0]] = grids[node.input[0]]
    held = _constants(drawn)
    return any(
        any(bool((held[name] != part).any()) for name, part in zip(node.input[1:], grids[node.input[0]], strict=True))
        for node, _ in _nodes(drawn, "QuantizeLinear")
        if node.input[0] in grids
    )


def _dropped_window(drawn: Drawn) -> bool:
    """A pool whose last window would start behind the image and the pads before it."""
    values = evaluate(drawn.model, drawn.feeds).values
    for node, a in _nodes(drawn, "AveragePool", "MaxPool"):
        kernel = a["kernel_shape"]
        count = len(kernel)
        strides, dilations = a.get("strides", [1] * count), a.get("dilations", [1] * count)
        pads = a.get("pads", [0] * 2 * count)
        for i, size in enumerate(values[node.input[0]].shape[2:]):
            extent = (kernel[i] - 1) * dilations[i] + 1
            naive = -(-(size + pads[i] + pads[i + count] - extent) // strides[i]) + 1
            if a.get("ceil_mode", 0) and (naive - 1) * strides[i] >= size + pads[i]:
                return True
    return False


_LITERT = ("litert xnnpack", "litert builtin")

EXCEPTIONS: tuple[Known, ...] = (
    Known(
        "SAME with dilations", "onnxruntime", "1.32.0", _BOTH,
        "Conv or MaxPool with auto_pad SAME_UPPER or SAME_LOWER and dilations above 1",
        'Conv refuses to run: "Dilation not supported for AutoPadType"; MaxPool gives another shape', _same_dilated,
    ),
    Known(
        "SAME pools that skip", "onnxruntime", "1.32.0", _BOTH,
        "MaxPool or AveragePool with auto_pad SAME_UPPER or SAME_LOWER and a kernel smaller than its stride",
        'refuses to run: "padding values must be non-negative"', _same_skips,
    ),
    Known(
        "float weights become codes", "onnxruntime", "1.32.0", ("onnxruntime",),
        "Conv, ConvTranspose or Gemm with float weights behind a DequantizeLinear, codes moved between or not",
        "quantises the weights to int8, per tensor, unasked (its optimisation WeightBiasQuantization)", _float_weights,
    ),
    Known(
        "pads of code 0 in a mean", "openvino", "2026.4.1", ("openvino",),
        "AveragePool with count_include_pad and pads, on codes whose zero point is not 0",
        "counts pads as the code 0 and not as the number 0", _counted_pads,
    ),
    Known(
        "pads of code 0", "openvino", "2026.4.1", ("openvino",),
        "Pad with a constant, on codes whose zero point is not 0", "fills with the code 0 and not with the number 0",
        _padded_codes,
    ),
    Known(
        "two pairs become one", "onnxruntime", "1.32.0", ("onnxruntime",),
        "a QuantizeLinear behind the DequantizeLinear of another grid, with nothing, a Clip or what changes nothing "
        "between",
        "rounds once, onto a grid of its own (its optimisation DoubleQDQPairsRemover)", _two_pairs,
    ),
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
        "float biases beyond int32", "onnxruntime", "1.32.0", ("onnxruntime",),
        "a layer on codes with a float bias above 2³¹ steps of its sums",
        "quantises it all the same, wrapping round (its optimisation WeightBiasQuantization)", _bias_overflows,
    ),
    Known(
        "pads of depthwise layers", "openvino", "2026.4.1", ("openvino",),
        "depthwise Conv with a multiplier above 1 and pads, on codes whose zero point is not 0",
        "other sums at the border", _multiplied_pads,
    ),
    Known(
        "matrix products of depth 1", "openvino", "2026.4.1", ("openvino",),
        "Gemm or MatMul by weights with one row, behind others",
        'refuses to load: "Layout rank" or "MatMulTransformation"', _depth_one,
    ),
    Known(
        "slopes of one axis", "openvino", "2026.4.1", ("openvino",),
        "PRelu of rank above 2 with as many slopes, in one axis, as channels",
        "takes them for slopes of the channels, not of the last axis",
        _slopes_of_one_axis,
    ),
    Known(
        "a maximum that is quantised", "openvino", "2026.4.1", ("openvino",),
        "GlobalMaxPool or ReduceMax of float values with a QuantizeLinear behind", "gives the greatest code",
        _quantised_maximum,
    ),
    Known(
        "strides of padded 1×1 layers", "openvino", "2026.4.1", ("openvino",),
        "Conv with a kernel of 1, strides above 1 and pads, behind an elementwise op, float or not",
        "an output of another shape: strides are moved to the op before", _strided_pads,
    ),
    Known(
        "biases between windows", "openvino", "2026.4.1", ("openvino",),
        "ConvTranspose of codes with zero point 0, with a bias, scales by channel and a kernel smaller than its stride "
        "or output_padding",
        "all channels on the scale of the first", _gaps_between_channels,
    ),
    Known(
        "windows of one column", "openvino", "2026.4.1", ("openvino",),
        "Conv of one channel with a kernel of 3×3 or more, one window wide, and columns that it leaves out",
        "reads other columns", _one_column,
    ),
    Known(
        "means behind their pads", "openvino", "2026.4.1", ("openvino",),
        "AveragePool with pads, ceil_mode and count_include_pad, whose last window goes on behind the pads",
        "counts what lies behind the pads as well", _beyond_pads,
    ),
    Known(
        "reductions of rank 3", "openvino", "2026.4.1", ("openvino",),
        "a mean or maximum over the last axis of rank 3, of more than one image, with an elementwise op by channel "
        "behind",
        "takes the channels' constants in another order", _short_reductions,
    ),
    Known(
        "clamps of multiplied channels", "openvino", "2026.4.1", ("openvino",),
        "depthwise Conv of codes with a multiplier above 1, then a Clip that is not quantised", "0 throughout",
        _clamped_multiples,
    ),
    Known(
        "a maximum beside a layer", "openvino", "2026.4.1", ("openvino",),
        "GlobalMaxPool or ReduceMax, quantised, of codes whose zero point is not 0 and that a layer reads as well",
        "other codes", _maximum_beside,
    ),
    Known(
        "a Pad's number as a code", "openvino", "2026.4.1", ("openvino",),
        "Pad of codes with a constant other than 0",
        'fills with that number as a code; one that is no code: "PadTransformation"', _filled_codes,
    ),
    *MOVED,
    *CRASHES,
    Known(
        "a pool's last window", "onnxruntime", "1.32.0", _BOTH,
        "pools with ceil_mode whose last window would start in the pads behind, with nodes behind that need its shape",
        "shape inference counts that window, the kernel does not: refuses to load or to run", _dropped_window,
    ),
    Known(
        "a Pad before strides", "openvino", "2026.4.1", ("openvino",),
        "Pad with a constant, then ConvTranspose with strides above 1 and pads",
        "an output of another shape: takes the Pad off the layer's pads, without the stride", _padded_strides,
    ),
    Known(
        "a pool's last window", "onnx", "1.23.2", _LITERT,
        "pools with ceil_mode whose last window would start in the pads behind",
        "shape inference counts that window, which ONNX says is none; our loader refuses the file", _dropped_window,
    ),
    Known(
        "a pool's last window", "openvino", "2026.4.1", ("openvino",),
        "pools with ceil_mode whose last window would start in the pads behind", "gives that window an output, too",
        _dropped_window,
    ),
)  # fmt: skip


SATURATES = "sums that saturate"
"""OpenVINO on x86 without VNNI, any version: a processor's fault, so it has no row of its own."""


def excuse(drawn: Drawn, engine: str) -> str:
    """Name of the first exception that excuses `engine` on this graph and processor; "" if none does."""
    name = next((known.name for known in EXCEPTIONS if engine in known.engines and known.holds(drawn)), "")
    if not name and engine == "openvino" and _sums_of_codes(drawn) and saturates(engine):
        return SATURATES
    return name


def _sums_of_codes(drawn: Drawn) -> bool:
    return any(_nodes(drawn, "DequantizeLinear")) and any(_nodes(drawn, "Conv", "ConvTranspose", "Gemm", "MatMul"))


def exception_table() -> list[dict[str, str]]:
    """Rows for the docs."""
    return [
        {
            "fault": known.name,
            "runtime": ", ".join(known.engines),
            "version": f"{known.distribution} {known.version}",
            "graphs that show it": known.graph,
            "what one sees": known.shows,
        }
        for known in EXCEPTIONS
    ]
