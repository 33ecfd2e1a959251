"""Activations with scales per channel, as NNCF writes them before depthwise layers, get one scale.

x_c = s_c · (q − z). With any b, x'_c = x_c · b / s_c has the same codes q on the one scale b. A layer before that makes
channel c with a weight row of its own makes x' where that row's scale and the bias are multiplied by b / s_c: its codes
stay. A depthwise layer behind reads x' where the scales of channel c's weights are multiplied by s_c / b: its codes
stay, and so does the grid of its bias, b · (w_c · s_c / b). This is cross-layer equalisation (Nagel et al. 2019,
arXiv:1906.04721, section 4.1) with factors that somebody else chose.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import onnx_ir as ir
from numpy.typing import NDArray

from ...errors import GraphError
from ..edit import add_initializer, bypass, clip_bounds, constant_of, is_op, only_reader
from ..kinds import Kind, kind_of
from ..qdq.params import is_dequantize, is_quantize, one_scale, params_of
from ..quantization import QuantParams
from .settled import name_of, scaled_codes

__all__ = ["fold_channel_scales"]


def fold_channel_scales(model: ir.Model) -> list[str]:
    """Fold the scales of every activation that is quantised per channel with one zero point. Returns a line, or none.

    b is a power of two, so that multiplying by it rounds nothing.
    1. A Conv before, with codes as weights and nothing but Relu, or a Clip that every channel's grid does anyway,
       between: takes b / s_c into its scales; the Clip goes.
    2. Anything else before: is divided by s_c / b in front of QuantizeLinear, which gives the same codes bit for bit.
    3. A depthwise Conv behind, with codes as weights: takes s_c / b into its scales.
    4. Anything else behind: reads the dequantised value times s_c / b, the same numbers bit for bit.
    1 and 3 are exact but for the rounding of the product of two scales to float32. Ensures: activations are per tensor
    wherever the zero points of all channels are the same.
    5. Zero points that differ, of a value that a Relu or Clip keeps from falling below zero: the least of them for all.
       A channel with a greater one then has codes to spare at the top, which a Min on codes takes away. Exact.
    """
    folded = 0
    for node in tuple(model.graph):
        if is_quantize(node) and constant_of(node.inputs[0]) is None:
            folded += _fold(model.graph, node)
    return [f"{folded} activations with scales per channel put on one scale"] if folded else []


def _fold(graph: ir.Graph, quantize: ir.Node) -> bool:
    try:
        params = one_scale(params_of(quantize))
        twins = [node for node in quantize.outputs[0].consumers() if is_dequantize(node)]
        one_grid = all(_same(params, one_scale(params_of(twin))) for twin in twins)
    except GraphError:
        return False  # told by the survey
    if params.axis != 1 or not one_grid:
        return False
    tops = params.code_range[1] - (params.zero_point - params.zero_point.min())
    if (tops < params.code_range[1]).any() and not _never_negative(quantize.inputs[0]):
        return False
    params = replace(params, zero_point=np.full_like(params.zero_point, params.zero_point.min()))
    if len(twins) != len(tuple(quantize.outputs[0].uses())) or quantize.outputs[0].is_graph_output():
        return False
    base = np.float32(2.0 ** np.round(np.log2(params.scale.max())))
    factors = (params.scale / base).astype(np.float32)
    if not _absorbed_before(quantize, params, factors):
        _divide_before(graph, quantize, factors)
    for twin in twins:
        _scale_behind(graph, twin, factors)
    grid = replace(params, scale=np.array([base], np.float32), zero_point=params.zero_point[:1], axis=None)
    for node in (quantize, *twins):
        _put_grid(graph, node, grid)
    if (tops < params.code_range[1]).any():
        _cap(graph, quantize, grid, tops)
    return True


def _never_negative(value: ir.Value | None) -> bool:
    producer = None if value is None else value.producer()
    if producer is None or not is_op(producer, "Relu", "Clip"):
        return False
    low = 0.0 if is_op(producer, "Relu") else clip_bounds(producer)[0]
    return low is not None and low >= 0


def _cap(graph: ir.Graph, quantize: ir.Node, grid: QuantParams, tops: NDArray[np.int64]) -> None:
    """Let no code of channel c rise above tops[c]: a pair, and Min against constant codes on the same grid."""
    source, name = quantize.inputs[0], name_of(quantize)
    if source is None:
        raise ValueError(f"'{quantize.name}' has no input")
    rank = 4 if source.shape is None else source.shape.rank()
    codes = add_initializer(graph, f"{name}_tops", tops.astype(grid.dtype).reshape(-1, *[1] * (rank - 2)))
    ends = quantize.inputs[1:]
    first = ir.node("QuantizeLinear", [source, *ends], name=f"{name}_uncapped")
    back = ir.node("DequantizeLinear", [first.outputs[0], *ends], name=f"{name}_uncapped_dequantized")
    most = ir.node("DequantizeLinear", [codes, *ends], name=f"{name}_tops_dequantized")
    capped = ir.node("Min", [back.outputs[0], most.outputs[0]], name=f"{name}_capped")
    for node in (first, back, most, capped):
        made, wide = node.outputs[0], codes if node is most else source
        made.name, made.shape = str(node.name), wide.shape
        made.type = ir.TensorType(quantize.outputs[0].dtype or ir.DataType.UINT8) if node is first else source.type
    graph.insert_before(quantize, [first, back, most, capped])
    quantize.replace_input_with(0, capped.outputs[0])


def _same(one: QuantParams, other: QuantParams) -> bool:
    return one.axis == other.axis and np.array_equal(one.scale, other.scale) and one.dtype == other.dtype


def _put_grid(graph: ir.Graph, node: ir.Node, grid: QuantParams) -> None:
    name = name_of(node)
    zero_point = grid.zero_point.astype(grid.dtype)
    node.resize_inputs(3)
    node.replace_input_with(1, add_initializer(graph, f"{name}_scale", grid.scale.reshape(())))
    node.replace_input_with(2, add_initializer(graph, f"{name}_zero_point", zero_point.reshape(())))
    node.attributes.pop("axis", None)


def _absorbed_before(quantize: ir.Node, params: QuantParams, factors: NDArray[np.float32]) -> bool:
    value, reader = quantize.inputs[0], quantize
    clips: list[ir.Node] = []
    while value is not None and only_reader(value) is reader:
        producer = value.producer()
        if producer is None:
            return False
        if is_op(producer, "Conv"):
            return _into_conv(producer, clips, quantize, factors)
        if not is_op(producer, "Relu") and not (is_op(producer, "Clip") and _does_nothing(producer, params)):
            return False
        clips.append(producer)
        reader, value = producer, producer.inputs[0]
    return False


def _into_conv(conv: ir.Node, clips: list[ir.Node], quantize: ir.Node, factors: NDArray[np.float32]) -> bool:
    inverse = 1 / factors.astype(np.float64)
    if not _bias_can_follow(conv) or not scaled_codes(conv, 1, inverse, 0):
        return False
    _scale_bias(conv, inverse)
    for clip in clips:
        if is_op(clip, "Clip"):
            bypass(clip)
    _rename(conv.outputs[0], quantize)
    return True


def _does_nothing(clip: ir.Node, params: QuantParams) -> bool:
    """Whether every channel's codes keep to the Clip's bounds anyway."""
    low, high = clip_bounds(clip)
    if low is None or high is None:
        return False
    least, greatest = params.code_range
    grids = [replace(params, scale=params.scale[at : at + 1], axis=None) for at in range(params.scale.size)]
    return all(grid.code_of(low) == least and grid.code_of(high) == greatest for grid in grids)


def _bias_can_follow(conv: ir.Node) -> bool:
    bias = conv.inputs[2] if len(conv.inputs) > 2 else None
    if bias is None or constant_of(bias) is not None:
        return True
    source = bias.producer()
    return source is not None and is_dequantize(source) and constant_of(source.inputs[0]) is not None


def _scale_bias(conv: ir.Node, factors: NDArray[np.float64]) -> None:
    bias = conv.inputs[2] if len(conv.inputs) > 2 else None
    if bias is None or scaled_codes(conv, 2, factors, 0):
        return
    real = constant_of(bias)
    graph = conv.graph
    if real is None or not isinstance(graph, ir.Graph):
        raise ValueError(f"the bias of '{conv.name}' is computed")
    scaled = (real.astype(np.float64) * factors).astype(np.float32)
    conv.replace_input_with(2, add_initializer(graph, f"{bias.name}_of_{name_of(conv)}", scaled))


def _rename(value: ir.Value, quantize: ir.Node) -> None:
    """What it holds is no longer what the float network calls by that name."""
    value.name = f"{value.name}_on_one_scale"
    source = quantize.inputs[0]
    if source is not None and source is not value:
        source.name = f"{source.name}_on_one_scale"


def _divide_before(graph: ir.Graph, quantize: ir.Node, factors: NDArray[np.float32]) -> None:
    source = quantize.inputs[0]
    if source is None:
        raise ValueError(f"'{quantize.name}' has no input")
    divided = _by_channel(graph, "Div", source, factors, f"{name_of(quantize)}_on_one_scale")
    graph.insert_before(quantize, divided)
    quantize.replace_input_with(0, divided.outputs[0])


def _scale_behind(graph: ir.Graph, dequantize: ir.Node, factors: NDArray[np.float32]) -> None:
    value = dequantize.outputs[0]
    others = []
    for use in tuple(value.uses()):
        multiplier = _filters(use.node) // factors.size if use.idx == 0 else 0
        if not multiplier or not scaled_codes(use.node, 1, np.repeat(factors, multiplier).astype(np.float64), 0):
            others.append(use)
    if not others and not value.is_graph_output():
        return
    name, value.name = str(value.name), f"{value.name}_on_one_scale"
    real = _by_channel(graph, "Mul", value, factors, f"{name_of(dequantize)}_by_channel")
    real.outputs[0].name = name
    graph.insert_after(dequantize, real)
    for use in others:
        use.node.replace_input_with(use.idx, real.outputs[0])
    for index, output in enumerate(graph.outputs):
        if output is value:
            graph.outputs[index] = real.outputs[0]


def _filters(node: ir.Node) -> int:
    """Channels out of a depthwise Conv, 0 of anything else."""
    weight = node.inputs[1] if kind_of(node) is Kind.DEPTHWISE else None
    return 0 if weight is None or weight.shape is None else int(weight.shape.numpy()[0])


def _by_channel(graph: ir.Graph, op: str, value: ir.Value, factors: NDArray[np.float32], name: str) -> ir.Node:
    rank = 4 if value.shape is None else value.shape.rank()
    spread = add_initializer(graph, f"{name}_factors", factors.reshape(-1, *[1] * (rank - 2)))
    node = ir.node(op, [value, spread], name=name)
    node.outputs[0].name = name
    node.outputs[0].shape, node.outputs[0].type = value.shape, value.type
    return node
