"""Faults of ONNX Runtime that come of carrying codes past nodes that only move them (its pass QDQPropagation), of the
kernels that this or a fusion chooses, and OpenVINO's crash on pairs behind a Concat."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import onnx

from .draft import Drawn
from .interval import Array
from .known import Known, constants_of, grids_of, nodes_of, unchanged
from .reference import evaluate

__all__ = ["CRASHES", "MOVED", "float_weights_behind_moves"]

_MOVES = ("MaxPool", "Reshape", "Transpose", "Squeeze", "Unsqueeze", "Slice")
"""What that pass knows; it also takes a node that does nothing for none."""


def _moved(drawn: Drawn) -> dict[str, tuple[Array, Array]]:
    """Grid of every value that moves make of codes and that has no pair of its own."""
    grids, found = grids_of(drawn), dict[str, tuple[Array, Array]]()
    alike = dict(grids)
    for node in drawn.model.graph.node:
        grid = alike.get(node.input[0]) if node.input else None
        if grid is None:
            continue
        if node.op_type in _MOVES:
            found |= dict.fromkeys(node.output, grid)
            alike |= dict.fromkeys(node.output, grid)
        elif node.op_type == "Identity":
            alike |= dict.fromkeys(node.output, grid)
            found |= {name: grid for name in node.output if node.input[0] in found}
    return found


def _left_open(drawn: Drawn) -> bool:
    """Codes of int8 that are moved and not quantised again, or that a MatMul of rank above 2 with an Add behind reads:
    it becomes a Gemm between two Reshapes."""
    if max(entry.version for entry in drawn.model.opset_import) < 21:
        return False
    readers: dict[str, set[str]] = {info.name: {"an output"} for info in drawn.model.graph.output}
    for node in drawn.model.graph.node:
        for name in node.input:
            readers.setdefault(name, set()).add(node.op_type)
    moved, grids = _moved(drawn), grids_of(drawn) | _moved(drawn)
    if any(grid[1].dtype == np.int8 and readers.get(name, set()) - {"QuantizeLinear"} for name, grid in moved.items()):
        return True
    values = evaluate(drawn.model, drawn.feeds).values
    return any(
        node.input[0] in grids
        and grids[node.input[0]][1].dtype == np.int8
        and len(values[node.input[0]].shape) > 2
        and "Add" in readers.get(node.output[0], set())
        for node, _ in nodes_of(drawn, "MatMul")
    )


def float_weights_behind_moves(drawn: Drawn) -> bool:
    held, moved = constants_of(drawn), _moved(drawn)
    return any(
        node.input[0] in moved and node.input[1] in held for node, _ in nodes_of(drawn, "Conv", "ConvTranspose", "Gemm")
    )


def _added_biases(drawn: Drawn) -> bool:
    """A MatMul of codes by codes, and an Add of float numbers to it."""
    found, held = evaluate(drawn.model, drawn.feeds), constants_of(drawn)
    sums = {node.output[0] for node, _ in nodes_of(drawn, "MatMul") if found.step(node) is not None}
    return any(
        set(node.input) & sums and any(name in held for name in node.input) for node, _ in nodes_of(drawn, "Add")
    )


def _moved_softmax(drawn: Drawn) -> bool:
    """A Softmax of codes with a move between it and its pair, on either side."""
    grids, moved = grids_of(drawn), _moved(drawn)
    behind = {node.output[0] for node, _ in nodes_of(drawn, "Softmax") if node.input[0] in grids}
    for node, _ in nodes_of(drawn, *_MOVES):
        if node.input[0] in behind:
            return True
    return any(node.input[0] in moved for node, _ in nodes_of(drawn, "Softmax"))


def _counted_beyond(drawn: Drawn) -> bool:
    """A mean of codes that counts pads and whose last window reaches beyond them."""
    values, grids = evaluate(drawn.model, drawn.feeds).values, grids_of(drawn)
    for node, a in nodes_of(drawn, "AveragePool"):
        if not (a.get("ceil_mode", 0) and a.get("count_include_pad", 0) and node.input[0] in grids):
            continue
        kernel = a["kernel_shape"]
        count = len(kernel)
        strides, pads = a.get("strides", [1] * count), a.get("pads", [0] * 2 * count)
        for i, size in enumerate(values[node.input[0]].shape[2:]):
            if (size + pads[i] + pads[i + count] - kernel[i]) % strides[i]:
                return True
    return False


def _factor_of_mean(drawn: Drawn) -> bool:
    """A mean over the whole image whose factor is 256 or more, or below 2⁻³²."""
    values, held = evaluate(drawn.model, drawn.feeds).values, constants_of(drawn)
    grids = _with_nothing_done(drawn, grids_of(drawn))
    ends = {node.input[0]: float(held[node.input[1]]) for node, _ in nodes_of(drawn, "QuantizeLinear")}
    for node, a in nodes_of(drawn, "GlobalAveragePool", "AveragePool"):
        if node.input[0] in grids and node.output[0] in ends:
            image = values[node.input[0]].shape[2:]
            factor = float(grids[node.input[0]][0]) / ends[node.output[0]] / math.prod(image)
            whole = node.op_type == "GlobalAveragePool" or tuple(a["kernel_shape"]) == tuple(image)
            if whole and not 2.0**-32 <= factor < 256:
                return True
    return False


def _transposed_outputs(drawn: Drawn) -> bool:
    """A float output that a Transpose with a pair behind it reads, too."""
    outputs = {info.name for info in drawn.model.graph.output} - set(grids_of(drawn))
    quantised = {node.input[0] for node, _ in nodes_of(drawn, "QuantizeLinear")}
    return any(node.input[0] in outputs and node.output[0] in quantised for node, _ in nodes_of(drawn, "Transpose"))


def _with_nothing_done(drawn: Drawn, grids: dict[str, tuple[Array, Array]]) -> dict[str, tuple[Array, Array]]:
    alike = dict(grids)
    for node, _ in nodes_of(drawn, "Identity"):
        if node.input[0] in alike:
            alike[node.output[0]] = alike[node.input[0]]
    return alike


def _pairs_behind_concat(drawn: Drawn) -> bool:
    """A Concat with a pair whose zero point is not 0, a node that changes nothing, and another pair."""
    grids, readers = grids_of(drawn), dict[str, list[onnx.NodeProto]]()
    for node in drawn.model.graph.node:
        for name in set(node.input):
            readers.setdefault(name, []).append(node)
    same = set(unchanged(drawn))

    def after(name: str, op: str) -> Iterator[onnx.NodeProto]:
        return (node for node in readers.get(name, []) if node.op_type == op)

    for node, _ in nodes_of(drawn, "Concat"):
        for quantize in after(node.output[0], "QuantizeLinear"):
            for dequantize in after(quantize.output[0], "DequantizeLinear"):
                name = dequantize.output[0]
                idle = [reader for reader in readers.get(name, []) if reader.output[0] in same]
                quantised = any(any(after(reader.output[0], "QuantizeLinear")) for reader in idle)
                if quantised and name in grids and grids[name][1].any():
                    return True
    return False


_OPTIMISED = ("onnxruntime",)

MOVED: tuple[Known, ...] = (
    Known(
        "int8 that is moved", "onnxruntime", "1.32.0", _OPTIMISED,
        "opset 21 or above: MaxPool, Reshape, Transpose, Squeeze, Unsqueeze or Slice of int8 codes without a pair "
        "behind it, or a MatMul of rank above 2 of such codes with an Add behind",
        'refuses to load: "output_dtype INT8 does not match y_zero_point type UINT8" (its optimisation QDQS8ToU8 '
        "leaves the attribute that QDQPropagation sets)", _left_open,
    ),
    Known(
        "float sums become biases", "onnxruntime", "1.32.0", _OPTIMISED,
        "MatMul of codes by codes, then an Add of float numbers",
        "rounds them to the grid of the sums, unasked (its optimisations MatMulAddFusion and WeightBiasQuantization)",
        _added_biases,
    ),
    Known(
        "a moved Softmax", "onnxruntime", "1.32.0", _OPTIMISED,
        "Softmax of codes with a MaxPool, Reshape, Transpose, Squeeze, Unsqueeze or Slice between it and its pair",
        "cuts the division off, as it does on codes that are not moved, which the reference knows", _moved_softmax,
    ),
    Known(
        "means that count beyond their pads", "onnxruntime", "1.32.0", _OPTIMISED,
        "AveragePool of codes with count_include_pad and ceil_mode whose last window reaches beyond the pads",
        "divides by the whole window (its kernel QLinearAveragePool)", _counted_beyond,
    ),
    Known(
        "outputs before a Transpose", "onnxruntime", "1.32.0", _OPTIMISED,
        "a float output that a Transpose with a pair behind it reads as well",
        "gives the output in steps of that pair: carries it in front of the Transpose", _transposed_outputs,
    ),
    Known(
        "factors of a mean", "onnxruntime", "1.32.0", _OPTIMISED,
        "a mean of codes over the whole image, with a grid behind it so fine that the factor between is 256 or more",
        'refuses to run: "parameter out of computation range" (its kernel QLinearGlobalAveragePool)', _factor_of_mean,
    ),
)  # fmt: skip

CRASHES: tuple[Known, ...] = (
    Known(
        "pairs behind a Concat", "openvino", "2026.4.1", ("openvino",),
        "Concat with a pair whose zero point is not 0, a node that changes nothing, and another pair",
        "ends the process with a segmentation fault while it compiles", _pairs_behind_concat,
    ),
)  # fmt: skip
"""Those that end the process: it has to be one of its own."""
