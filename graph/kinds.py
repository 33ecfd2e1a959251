"""What each layer *is*, decided once. Nobody else compares `group` with a number of channels."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

import onnx_ir as ir

__all__ = ["Kind", "convolution_kind", "kind_of"]


class Kind(StrEnum):
    """The field's names for a layer."""

    POINTWISE = "pointwise"
    """1×…×1 convolution, one group: a linear layer over channels at every position."""
    DEPTHWISE = "depthwise"
    """One filter a channel (group = C_in > 1); C_out = C_in · depth multiplier."""
    GROUPED = "grouped"
    """1 < group < C_in."""
    STANDARD = "standard"
    """One group and a kernel wider than 1 in two or more directions, or in one of a 1-D layer."""
    SPATIALLY_SEPARABLE = "spatially separable"
    """One group, two or more dimensions, a kernel wider than 1 in some directions but not in all: k×1, 1×k, 1×k×k."""
    TRANSPOSED = "transposed"
    FULLY_CONNECTED = "fully connected"
    ADD = "add"
    MUL = "mul"
    POOL = "pool"
    ACTIVATION = "activation"
    QUANTIZE = "quantize"
    """QuantizeLinear and DequantizeLinear."""
    SHAPE = "shape"
    """Moves values about without changing them: Reshape, Transpose, Concat, Pad, Slice, …"""
    OTHER = "other"

    @property
    def separable(self) -> bool:
        """Part of a separable convolution."""
        return self in (Kind.POINTWISE, Kind.DEPTHWISE, Kind.SPATIALLY_SEPARABLE)

    @property
    def convolution(self) -> bool:
        return self in (Kind.POINTWISE, Kind.DEPTHWISE, Kind.GROUPED, Kind.STANDARD, Kind.SPATIALLY_SEPARABLE)


_BY_OP = {
    "ConvTranspose": Kind.TRANSPOSED,
    "Gemm": Kind.FULLY_CONNECTED,
    "MatMul": Kind.FULLY_CONNECTED,
    "Add": Kind.ADD,
    "Sub": Kind.ADD,
    "Mul": Kind.MUL,
    "Div": Kind.MUL,
    "QuantizeLinear": Kind.QUANTIZE,
    "DequantizeLinear": Kind.QUANTIZE,
}
_BY_OP |= dict.fromkeys(
    ("GlobalAveragePool", "GlobalMaxPool", "AveragePool", "MaxPool", "ReduceMean", "ReduceMax"), Kind.POOL
)
_BY_OP |= dict.fromkeys(
    (
        "Relu", "Clip", "HardSwish", "HardSigmoid", "Sigmoid", "Swish", "Softmax", "LeakyRelu", "PRelu", "Tanh", "Elu",
        "Gelu", "Mish", "LogSoftmax", "Softplus",
    ),
    Kind.ACTIVATION,
)  # fmt: skip
_BY_OP |= dict.fromkeys(
    (
        "Reshape", "Flatten", "Transpose", "Squeeze", "Unsqueeze", "Concat", "Pad", "Slice", "Split", "Resize",
        "Identity", "Expand", "Gather", "DepthToSpace", "SpaceToDepth",
    ),
    Kind.SHAPE,
)  # fmt: skip


def kind_of(node: ir.Node) -> Kind:
    """The kind of `node`. A convolution's kernel shape comes from its weight's, [C_out, C_in/group, k…]."""
    if node.domain not in ("", "ai.onnx"):
        return Kind.OTHER
    if node.op_type != "Conv":
        return _BY_OP.get(node.op_type, Kind.OTHER)
    weight = node.inputs[1]
    if weight is None or weight.shape is None:
        return Kind.OTHER
    return convolution_kind(weight.shape.numpy(), node.attributes.get_int("group", 1))


def convolution_kind(weight_shape: Sequence[int], group: int) -> Kind:
    """The kind of a convolution, whoever holds it. weight_shape: [C_out, C_in/group, k…]."""
    _, per_group, *kernel = weight_shape
    if group > 1:
        return Kind.DEPTHWISE if per_group == 1 else Kind.GROUPED
    wide = [size for size in kernel if size > 1]
    if not wide:
        return Kind.POINTWISE
    return Kind.SPATIALLY_SEPARABLE if len(wide) < len(kernel) else Kind.STANDARD
