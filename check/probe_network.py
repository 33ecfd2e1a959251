"""The tiny network of `saturation`: layers at the extremes of uint8 and int8, whose true outputs are known."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx_ir as ir
from numpy.typing import NDArray

from ..graph.load import save_graph

__all__ = ["expected_codes", "write_probe"]

_MIDDLE, _SWING = 128, 100
_IMAGE = (1, 64, 8, 8)
_Shape = tuple[int, ...]
_LAYERS: tuple[tuple[str, str, _Shape, _Shape, _Shape, dict[str, int]], ...] = (
    ("pointwise", "Conv", _IMAGE, (16, 64, 1, 1), (1, 16, 8, 8), {}),
    ("standard", "Conv", _IMAGE, (16, 64, 3, 3), (1, 16, 6, 6), {}),
    ("depthwise", "Conv", _IMAGE, (64, 1, 3, 3), (1, 64, 6, 6), {"group": 64}),
    ("gemm", "Gemm", (1, 64), (16, 64), (1, 16), {"transB": 1}),
)
"""Name, op, shapes of input, weight [C_out, …] and output, attributes."""


def write_probe(destination: Path, weight: int = 127) -> None:
    """A QDQ file of four layers side by side, each with an input of its own; weights are ±`weight`, channel by channel.

    Scales are such that inputs of 255 give codes 128 ± `_SWING` exactly; clipped sums give about half the swing.
    """
    graph = ir.Graph([], [], nodes=[], opset_imports={"": 20}, name="probe")
    for name, op, reads, weights, makes, attributes in _LAYERS:
        _add_layer(graph, name, op, (reads, makes), _signed(weights, weight), attributes)
    save_graph(ir.Model(graph, ir_version=10), destination)


def expected_codes(shape: tuple[int, ...]) -> NDArray[np.int64]:
    """True output codes of a layer of the probe. shape: of its output, [1, C, …]."""
    codes = _MIDDLE + _SWING * _signed(shape[1:], 1).astype(np.int64)
    return codes[np.newaxis]


def _signed(shape: tuple[int, ...], weight: int) -> NDArray[np.int8]:
    signs = np.where(np.arange(shape[0]) % 2 == 0, 1, -1).reshape(-1, *[1] * (len(shape) - 1))
    return np.broadcast_to(signs * weight, shape).astype(np.int8)


def _add_layer(
    graph: ir.Graph,
    name: str,
    op: str,
    shapes: tuple[_Shape, _Shape],
    weights: NDArray[np.int8],
    attributes: dict[str, int],
) -> None:
    channels = weights.shape[0]
    taps = weights[0].size
    input_scale, weight_scale = 1 / 255, 1 / 128
    output_scale = 255 * input_scale * int(abs(weights.flat[0])) * weight_scale * taps / _SWING

    def constant(label: str, array: NDArray[Any] | np.generic) -> ir.Value:
        value = ir.val(f"{name}_{label}", const_value=ir.tensor(array, name=f"{name}_{label}"))
        graph.register_initializer(value)
        return value

    def node(made: str, op_type: str, sources: list[ir.Value], **extra: int) -> ir.Value:
        found = ir.node(op_type, sources, extra, name=made)
        found.outputs[0].name = made
        graph.append(found)
        return found.outputs[0]

    real = ir.val(f"{name}_in", ir.DataType.FLOAT, shapes[0])
    graph.inputs.append(real)
    read = [constant("in_scale", np.float32(input_scale)), constant("in_zero_point", np.uint8(0))]
    codes = node(f"{name}_in_quantized", "QuantizeLinear", [real, *read])
    held = [
        constant("weight_quantized", weights),
        constant("weight_scale", np.full(channels, weight_scale, np.float32)),
        constant("weight_zero_point", np.zeros(channels, np.int8)),
    ]
    bias = [
        constant("bias_quantized", np.zeros(channels, np.int32)),
        constant("bias_scale", np.full(channels, np.float32(input_scale) * np.float32(weight_scale), np.float32)),
        constant("bias_zero_point", np.zeros(channels, np.int32)),
    ]
    made = node(
        name,
        op,
        [
            node(f"{name}_in_dequantized", "DequantizeLinear", [codes, *read]),
            node(f"{name}_weight", "DequantizeLinear", held, axis=0),
            node(f"{name}_bias", "DequantizeLinear", bias, axis=0),
        ],
        **attributes,
    )
    write = [constant("out_scale", np.float32(output_scale)), constant("out_zero_point", np.uint8(_MIDDLE))]
    quantized = node(f"{name}_quantized", "QuantizeLinear", [made, *write])
    result = node(f"{name}_dequantized", "DequantizeLinear", [quantized, *write])
    result.dtype, result.shape = ir.DataType.FLOAT, ir.Shape(shapes[1])
    graph.outputs.append(result)
