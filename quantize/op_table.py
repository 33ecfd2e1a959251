"""Which ops run in int8, and what that asks of the grids around them: one row an op, each with its own conditions.

A row says what all of ONNX Runtime, LiteRT and OpenVINO can run, or what two of them run and the third computes in
float between a DequantizeLinear and a QuantizeLinear without losing anything (HardSwish in ONNX Runtime). An op without
a row stays in float.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import onnx_ir as ir

__all__ = ["ROWS", "Row", "Rule", "bounds_of", "refusal"]

Condition = Callable[[ir.Node], str | None]
"""The reason why this node stays in float, or None."""


class Rule(StrEnum):
    """How the grid of an op's output comes about."""

    OWN = "own"
    """From the values that calibration saw there."""
    SAME = "same"
    """That of its input: the op moves or picks values, and kernels for it copy codes."""
    UNIFIED = "unified"
    """One grid for all inputs and the output."""
    FIXED = "fixed"
    """Known beforehand."""


@dataclass(frozen=True)
class Row:
    """One op. data: how many of the leading inputs are activations (None: all); the others are weights, shapes, bounds.

    bounds: ends that no output can pass. fixed: (scale, zero point of the uint8 encoding).
    """

    op: str
    rule: Rule
    data: int | None = 1
    conditions: tuple[Condition, ...] = ()
    bounds: tuple[float, float] | None = None
    fixed: tuple[float, int] | None = None

    def activations(self, node: ir.Node) -> list[tuple[int, ir.Value]]:
        """(index, value) of the inputs that are activations or constants in the place of one."""
        most = len(node.inputs) if self.data is None else self.data
        return [(index, value) for index, value in enumerate(node.inputs[:most]) if value is not None]


def refusal(node: ir.Node) -> str | None:
    """Why `node` stays in float, or None if its row and all conditions of it hold."""
    row = ROWS.get(node.op_type) if node.domain in ("", "ai.onnx") else None
    if node.op_type == "BatchNormalization":
        return "was not folded into the layer before it: its statistics are not constants, or it is in training form"
    if row is None:
        return "no int8 kernel for this op that the runtimes share"
    for condition in (_float_in_and_out, *row.conditions):
        reason = condition(node)
        if reason is not None:
            return reason
    return None


def bounds_of(node: ir.Node) -> tuple[float, float]:
    """Ends that the output of `node` cannot pass: those of Clip and Relu, or of its row; else infinite."""
    if node.op_type == "Clip":
        return _scalar(node, 1, -np.inf), _scalar(node, 2, np.inf)
    row = ROWS.get(node.op_type)
    return row.bounds if row is not None and row.bounds is not None else (-np.inf, np.inf)


def _scalar(node: ir.Node, index: int, default: float) -> float:
    value = node.inputs[index] if index < len(node.inputs) else None
    if value is None or value.const_value is None:
        return default
    return float(value.const_value.numpy().reshape(()))


def _constant(node: ir.Node, index: int) -> bool:
    value = node.inputs[index] if index < len(node.inputs) else None
    return value is None or value.const_value is not None


def _float_in_and_out(node: ir.Node) -> str | None:
    row = ROWS[node.op_type]
    values = [value for _, value in row.activations(node)] + list(node.outputs)
    if any(value.dtype != ir.DataType.FLOAT for value in values):
        return "its values are not float32"
    if all(value.const_value is not None for _, value in row.activations(node)):
        return "all of its inputs are constants"
    return None


def _constant_weights(node: ir.Node) -> str | None:
    return None if _constant(node, 1) and _constant(node, 2) else "its weights are computed while it runs"


def _constant_bounds(node: ir.Node) -> str | None:
    if not (_constant(node, 1) and _constant(node, 2)):
        return "its bounds are computed while it runs"
    low, high = bounds_of(node)
    return None if low <= 0.0 <= high else "its bounds leave zero out, which every grid must hold"


def _spatial_rank(node: ir.Node) -> str | None:
    weight = node.inputs[1]
    rank = len(weight.shape) if weight is not None and weight.shape is not None else 0
    return None if 3 <= rank <= 5 else f"a convolution of rank {rank}"


def _known_size(node: ir.Node) -> str | None:
    shapes = [node.inputs[0].shape if node.inputs[0] is not None else None, node.outputs[0].shape]
    fixed = all(shape is not None and all(isinstance(d, int) for d in shape[2:]) for shape in shapes)
    return None if fixed else "its spatial size is not known beforehand"


def _channels_on_an_axis(node: ir.Node) -> str | None:
    """One group, or depthwise with one output a channel: [C, 1, …]."""
    weight, group = node.inputs[1], node.attributes.get_int("group", 1)
    if group == 1 or (weight is not None and weight.shape is not None and tuple(weight.shape[:2]) == (group, 1)):
        return None
    return "a transposed convolution in groups has no axis of its own for the scales of its channels"


def _plain_gemm(node: ir.Node) -> str | None:
    plain = (
        node.attributes.get_float("alpha", 1.0) == 1.0
        and node.attributes.get_float("beta", 1.0) == 1.0
        and not node.attributes.get_int("transA", 0)
        and node.attributes.get_int("transB", 0) == 1
    )
    return None if plain else "not a plain product of rows with weights: alpha, beta, transA or transB"


def _bias_per_channel(node: ir.Node) -> str | None:
    bias = node.inputs[2] if len(node.inputs) > 2 else None
    if bias is None or bias.shape is None:
        return None
    weight = node.inputs[1]
    transposed = node.attributes.get_int("transB", 0)
    columns = weight.shape[0 if transposed else 1] if weight is not None and weight.shape is not None else None
    sizes = [size for size in bias.shape if size != 1]
    return None if sizes in ([], [columns]) else "its bias differs by row"


def _no_indices(node: ir.Node) -> str | None:
    return "its indices are asked for" if len(node.outputs) > 1 and node.outputs[1].uses() else None


def _undilated(node: ir.Node) -> str | None:
    dilations = set(node.attributes.get_ints("dilations", [1]) or [1])
    return None if dilations == {1} else "no int8 kernel averages over a dilated window"


def _pad(node: ir.Node) -> str | None:
    if node.attributes.get_string("mode", "constant") not in ("constant", "reflect", "edge"):
        return "its padding mode has no int8 kernel"
    return None if _constant(node, 1) and _constant(node, 2) else "its padding is computed while it runs"


def _resize(node: ir.Node) -> str | None:
    mode = node.attributes.get_string("mode", "nearest")
    if mode not in ("nearest", "linear"):
        return f"{mode} interpolation overshoots: its output needs a wider grid than its input"
    cropped = node.attributes.get_string("coordinate_transformation_mode", "half_pixel") == "tf_crop_and_resize"
    return "it crops, and fills what lies outside" if cropped else None


def _constant_axes(node: ir.Node) -> str | None:
    return None if _constant(node, 1) else "its axes are computed while it runs"


_MOVES = (
    "Reshape", "Flatten", "Transpose", "Squeeze", "Unsqueeze", "Slice", "Split", "Identity", "DepthToSpace",
    "SpaceToDepth",
)  # fmt: skip

_TABLE = (
    Row("Conv", Rule.OWN, conditions=(_constant_weights, _spatial_rank, _known_size)),
    Row("ConvTranspose", Rule.OWN, conditions=(_constant_weights, _spatial_rank, _known_size, _channels_on_an_axis)),
    Row("Gemm", Rule.OWN, conditions=(_constant_weights, _plain_gemm, _bias_per_channel)),
    Row("Add", Rule.OWN, data=2),
    Row("Sub", Rule.OWN, data=2),
    Row("Mul", Rule.OWN, data=2),
    Row("Relu", Rule.OWN, bounds=(0.0, np.inf)),
    Row("Clip", Rule.OWN, conditions=(_constant_bounds,)),
    Row("HardSwish", Rule.OWN),
    Row("HardSigmoid", Rule.OWN, bounds=(0.0, 1.0)),
    Row("GlobalAveragePool", Rule.OWN),
    Row("ReduceMean", Rule.OWN, conditions=(_constant_axes,)),
    # LiteRT's kernels take these grids and no others; 1/256 puts 1.0 itself one code beyond the top.
    Row("Sigmoid", Rule.FIXED, bounds=(0.0, 1.0), fixed=(1 / 256, 0)),
    Row("Softmax", Rule.FIXED, bounds=(0.0, 1.0), fixed=(1 / 256, 0)),
    Row("Concat", Rule.UNIFIED, data=None),
    Row("MaxPool", Rule.SAME, conditions=(_no_indices,)),
    Row("GlobalMaxPool", Rule.SAME),
    Row("AveragePool", Rule.SAME, conditions=(_undilated,)),
    Row("Pad", Rule.SAME, conditions=(_pad,)),
    Row("Resize", Rule.SAME, conditions=(_resize,)),
    *(Row(op, Rule.SAME) for op in _MOVES),
)

ROWS = {row.op: row for row in _TABLE}
"""Op type → its row."""
