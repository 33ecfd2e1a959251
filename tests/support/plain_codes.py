"""A quantised network's plain view carried out in NumPy, op by op: what generated code is compared with, bit for bit.

Sums are exact. Convolutions, matrix products, sums and products are brought onto the output's grid in float32, in the
order that XNNPACK and ONNX Runtime have: sum · (s_in · s_w / s_out), rounded half to even. All other ops are ONNX's own
reference, on real values in float64, except that ops which only move values get the codes themselves.
"""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import onnx_ir as ir
from numpy.typing import NDArray
from onnx import TensorProto, helper
from onnx.reference import ReferenceEvaluator
from sepia.graph.qdq import QuantizedModel
from sepia.graph.quantization import QuantParams

__all__ = ["codes_of", "dequantised_outputs"]

Codes = NDArray[np.int64]
_MOVES = frozenset(
    (
        "Reshape", "Flatten", "Squeeze", "Unsqueeze", "Identity", "Transpose", "Expand", "Slice", "Split", "Concat",
        "Pad", "MaxPool", "GlobalMaxPool", "ReduceMax",
    )
)  # fmt: skip
_CLAMPS = ("Relu", "Clip")


def dequantised_outputs(quantized: QuantizedModel, feeds: dict[str, NDArray[np.float32]]) -> dict[str, NDArray[Any]]:
    """Outputs of the graph, float32."""
    found = codes_of(quantized, feeds)
    return {
        str(value.name): _grid(quantized, value).dequantize(found[str(value.name)])
        for value in quantized.model.graph.outputs
    }


def codes_of(quantized: QuantizedModel, feeds: dict[str, NDArray[np.float32]]) -> dict[str, Codes]:
    """int8 codes of every value that is held as codes, ONNX's order of axes."""
    graph = quantized.model.graph
    known: dict[str, Codes] = {
        name: codes.astype(np.int64) - (128 if codes.dtype == np.uint8 else 0)
        for name, codes in quantized.codes.items()
    }
    for value in graph.inputs:
        known[str(value.name)] = _grid(quantized, value).quantize(feeds[str(value.name)]).astype(np.int64)
    done: set[ir.Node] = set()
    for node in graph:
        if node not in done:
            done |= _carry_out(quantized, node, known)
    return known


def _grid(quantized: QuantizedModel, value: ir.Value | None) -> QuantParams:
    assert value is not None
    return quantized.params[str(value.name)].as_dtype("int8")


def _carry_out(quantized: QuantizedModel, node: ir.Node, known: dict[str, Codes]) -> set[ir.Node]:
    """`node`, and the clamp behind it if what lies between is not held as codes; both are returned."""
    done, last = {node}, node
    if node.outputs[0].name not in quantized.params:
        (last,) = node.outputs[0].consumers()
        assert last.op_type in _CLAMPS
        done.add(last)
    if node.op_type in _MOVES:
        results = _reference(quantized, node, known, real=False)
        for value, moved in zip(node.outputs, results, strict=True):
            known[str(value.name)] = moved.astype(np.int64)
        return done
    out = _grid(quantized, last.outputs[0])
    scaled = _scaled(quantized, node, known, out)
    codes = np.rint(scaled).astype(np.int64) + int(out.zero_point[0])
    low, high = (out.code_of(bound) for bound in _bounds(last if last is not node else None))
    known[str(last.outputs[0].name)] = np.clip(codes, low, high)
    return done


def _bounds(clamp: ir.Node | None) -> tuple[float, float]:
    if clamp is None:
        return -np.inf, np.inf
    if clamp.op_type == "Relu":
        return 0.0, np.inf
    low, high = (float(value.const_value.numpy()) for value in clamp.inputs[1:])  # type: ignore[union-attr]
    return low, high


def _scaled(quantized: QuantizedModel, node: ir.Node, known: dict[str, Codes], out: QuantParams) -> NDArray[Any]:
    """Real outputs divided by the scale that they are rounded to."""
    if node.op_type in ("Conv", "Gemm", "MatMul"):
        return _multiplied(quantized, node, known, out)
    if node.op_type in ("Add", "Sub", "Mul"):
        grids = [_grid(quantized, value) for value in node.inputs]
        one, other = (
            known[str(value.name)] - grid.zero_point[0] for value, grid in zip(node.inputs, grids, strict=True) if value
        )
        scales = [float(grid.scale[0]) for grid in (*grids, out)]
        if node.op_type == "Mul":
            return (one * other).astype(np.float32) * np.float32(scales[0] * scales[1] / scales[2])
        sign = 1 if node.op_type == "Add" else -1
        left = one.astype(np.float32) * np.float32(scales[0] / scales[2])
        return left + other.astype(np.float32) * np.float32(sign * scales[1] / scales[2])
    if node.op_type == "QuantizeLinear":
        return _real(quantized, node.inputs[0], known) / np.float64(out.scale[0])
    (real,) = _reference(quantized, node, known, real=True)
    return real / np.float64(out.scale[0])


def _real(quantized: QuantizedModel, value: ir.Value | None, known: dict[str, Codes]) -> NDArray[np.float64]:
    grid = _grid(quantized, value)
    return (known[str(value and value.name)] - grid.zero_point[0]) * np.float64(grid.scale[0])


def _multiplied(quantized: QuantizedModel, node: ir.Node, known: dict[str, Codes], out: QuantParams) -> NDArray[Any]:
    data, kernel = node.inputs[:2]
    assert data is not None and kernel is not None
    grid, weights = _grid(quantized, data), known[str(kernel.name)]
    x = known[str(data.name)] - grid.zero_point[0]
    if node.op_type == "Conv":
        sums = _conv(x, weights, node)
    elif node.op_type == "Gemm" and node.attributes.get_int("transB", 0):
        sums = x @ weights.T
    else:
        sums = x @ weights
    along = (-1, *[1] * (sums.ndim - 2))
    if len(node.inputs) > 2 and node.inputs[2] is not None:
        sums = sums + known[str(node.inputs[2].name)].reshape(along)
    scale = grid.scale * quantized.params[str(kernel.name)].scale / out.scale
    return sums.astype(np.float32) * np.broadcast_to(scale, sums.shape[1]).reshape(along)


def _conv(x: Codes, weights: Codes, node: ir.Node) -> Codes:
    """Any number of dimensions, one tap and one group at a time."""
    kernel, group = weights.shape[2:], node.attributes.get_int("group", 1)
    count = len(kernel)
    strides = node.attributes.get_ints("strides", [1] * count)
    dilations = node.attributes.get_ints("dilations", [1] * count)
    pads = node.attributes.get_ints("pads", [0] * 2 * count)
    if node.attributes.get_string("auto_pad", "NOTSET") == "SAME_LOWER":
        total = [max((-(-x.shape[2 + i] // strides[i]) - 1) * strides[i] + dilations[i] * (kernel[i] - 1) + 1
                     - x.shape[2 + i], 0) for i in range(count)]  # fmt: skip
        pads = [*(each - each // 2 for each in total), *(each // 2 for each in total)]
    x = np.pad(x, [(0, 0), (0, 0), *zip(pads[:count], pads[count:], strict=True)])
    sizes = [(x.shape[2 + i] - dilations[i] * (kernel[i] - 1) - 1) // strides[i] + 1 for i in range(count)]
    ins, outs = weights.shape[1], weights.shape[0] // group
    sums = np.zeros((x.shape[0], weights.shape[0], *sizes), np.int64)
    for g, tap in product(range(group), product(*map(range, kernel))):
        window = tuple(
            slice(tap[i] * dilations[i], tap[i] * dilations[i] + (sizes[i] - 1) * strides[i] + 1, strides[i])
            for i in range(count)
        )
        part = x[(slice(None), slice(g * ins, (g + 1) * ins), *window)]
        channels = slice(g * outs, (g + 1) * outs)
        sums[:, channels] += np.einsum("oi,ni...->no...", weights[(channels, slice(None), *tap)], part)
    return sums


def _reference(quantized: QuantizedModel, node: ir.Node, known: dict[str, Codes], *, real: bool) -> list[NDArray[Any]]:
    """ONNX's own reference of one node: on real values in float64, or on codes."""
    proto = ir.to_proto(node)
    feeds: dict[str, NDArray[Any]] = {}
    for value in node.inputs:
        if value is None:
            continue
        name = str(value.name)
        if name in quantized.params:
            feeds[name] = _real(quantized, value, known) if real else known[name].astype(np.float64)
        else:
            held = value.const_value.numpy()  # type: ignore[union-attr]
            feeds[name] = held.astype(np.float64) if held.dtype == np.float32 else held
    if node.op_type == "Pad" and not real:
        # What pads are filled with: the code of 0.
        feeds["fill"] = np.asarray(float(_grid(quantized, node.outputs[0]).zero_point[0]))
        del proto.input[2:]
        proto.input.append("fill")
    infos = [
        helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(array.dtype), array.shape)
        for name, array in feeds.items()
    ]
    outs = [helper.make_tensor_value_info(name, TensorProto.DOUBLE, None) for name in proto.output]
    graph = helper.make_graph([proto], "one", infos, outs)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)])
    return list(ReferenceEvaluator(model).run(None, feeds))
