"""The lowest version of each operator that carries what we say, and the first runtime that knows it.

A runtime refuses a file whose operator versions are above its own, so a version too high locks old boards out for
nothing. Rules: LiteRT, tflite/converter/tools/versioning/op_version.cc; first runtimes: TensorFlow,
tensorflow/lite/tools/versioning/runtime_version.cc.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from .program import Operator, Tensor

__all__ = ["known_ops", "lowest_version", "min_runtime"]

Rule = Callable[[Operator], int]

# op → the first runtime of version 1, 2, 3, …
_FIRST_RUNTIME: dict[str, tuple[str, ...]] = {
    "ADD": ("1.5.0", "1.14.0"),
    "AVERAGE_POOL_2D": ("1.5.0", "1.14.0"),
    "CONCATENATION": ("1.5.0", "1.14.0"),
    "CONV_2D": ("1.5.0", "1.14.0", "1.14.0", "2.3.0", "2.4.0", "2.9.0"),
    "CONV_3D": ("2.5.0",),
    "DEPTHWISE_CONV_2D": ("1.5.0", "1.12.0", "1.14.0"),
    "DEQUANTIZE": ("1.13.1", "1.14.0"),
    "DIV": ("1.6.0", "2.3.0"),
    "FULLY_CONNECTED": ("1.5.0", "1.10.0", "1.14.0", "1.14.0", "2.0.0"),
    "GATHER": ("1.6.0", "1.14.0"),
    "HARD_SWISH": ("1.15.0",),
    "LEAKY_RELU": ("1.13.1",),
    "LOGISTIC": ("1.14.0", "1.14.0"),
    "MAXIMUM": ("1.14.0", "1.14.0", "2.3.0"),
    "MAX_POOL_2D": ("1.5.0", "1.14.0"),
    "MEAN": ("1.6.0", "1.14.0"),
    "MINIMUM": ("1.14.0", "1.14.0", "2.3.0"),
    "MIRROR_PAD": ("1.13.1", "2.3.0"),
    "MUL": ("1.5.0", "1.14.0", "1.15.0"),
    "PAD": ("1.5.0", "1.14.0", "2.4.0", "2.6.0"),
    "PADV2": ("1.9.0", "1.14.0", "2.4.0", "2.6.0"),
    "PRELU": ("1.8.0",),
    "QUANTIZE": ("1.14.0",),
    "REDUCE_MAX": ("1.11.0", "1.14.0"),
    "RELU": ("1.5.0", "2.1.0"),
    "RELU6": ("1.5.0", "1.14.0"),
    "RELU_N1_TO_1": ("1.5.0",),
    "RESHAPE": ("1.5.0",),
    "RESIZE_BILINEAR": ("1.7.0", "1.14.0", "2.2.0"),
    "RESIZE_NEAREST_NEIGHBOR": ("1.13.1", "1.14.0", "2.3.0"),
    "SLICE": ("1.14.0", "1.14.0", "1.14.0", "2.4.0", "2.5.0"),
    "SOFTMAX": ("1.5.0", "1.14.0"),
    "SPLIT": ("1.5.0", "1.14.0"),
    "STRIDED_SLICE": ("1.6.0", "1.14.0", "2.1.0", "2.2.0"),
    "SUB": ("1.6.0", "1.14.0", "2.3.0"),
    "TANH": ("1.14.0", "1.14.0"),
    "TRANSPOSE": ("1.6.0", "1.14.0", "1.15.0", "2.3.0", "2.4.0", "2.15.0"),
    "TRANSPOSE_CONV": ("1.9.0", "2.2.0", "2.3.0"),
}

_INT8_IS_2 = frozenset(
    {
        "ADD", "AVERAGE_POOL_2D", "CONCATENATION", "DEQUANTIZE", "GATHER", "LOGISTIC",
        "MAX_POOL_2D", "MEAN", "MIRROR_PAD", "REDUCE_MAX", "RELU", "RELU6", "SOFTMAX", "SPLIT",
        "TANH",
    }
)  # fmt: skip


def known_ops() -> frozenset[str]:
    """Every operator that this translator may write."""
    return frozenset(_FIRST_RUNTIME)


def lowest_version(operator: Operator) -> int:
    """The lowest version whose rules cover the types, ranks and options of `operator`."""
    special = _SPECIAL.get(operator.op)
    if special is not None:
        return special(operator)
    return 2 if operator.op in _INT8_IS_2 and _is_int8(operator) else 1


def min_runtime(versions: dict[str, int]) -> str:
    """The first TensorFlow Lite release that runs operators of these versions (op → version), as "2.3.0"."""
    firsts = [_FIRST_RUNTIME[op][version - 1] for op, version in versions.items()]
    return max(firsts, default="1.5.0", key=lambda text: tuple(int(part) for part in text.split(".")))


def _data(operator: Operator) -> Tensor:
    """The tensor whose type the rules look at: SPLIT has its axis first, TRANSPOSE_CONV its output shape."""
    index = {"SPLIT": 1, "TRANSPOSE_CONV": 2}.get(operator.op, 0)
    tensor = operator.inputs[index]
    if tensor is None:
        raise ValueError(f"{operator.op} without its data")
    return tensor


def _is_int8(operator: Operator) -> bool:
    return _data(operator).dtype == "int8"


def _option(operator: Operator, name: str) -> object:
    return operator.options.fields.get(name) if operator.options else None


def _conv(operator: Operator) -> int:
    data, weight = operator.inputs[0], operator.inputs[1]
    if data is not None and weight is not None and data.shape[3] != weight.shape[3]:
        return 6
    return 3 if _is_int8(operator) else 1


def _depthwise(operator: Operator) -> int:
    if _is_int8(operator):
        return 3
    dilated = {_option(operator, "dilationHFactor"), _option(operator, "dilationWFactor")} != {1}
    return 2 if dilated else 1


def _fully_connected(operator: Operator) -> int:
    if _option(operator, "keepNumDims"):
        return 5
    return 4 if _is_int8(operator) else 1


def _mul(operator: Operator) -> int:
    if not _is_int8(operator):
        return 1
    grids = [tensor.quantization for tensor in (*operator.inputs, *operator.outputs) if tensor is not None]
    first, second, out = (float(np.float32(grid.scale[0])) for grid in grids if grid is not None)
    return 3 if first * second / out >= 1.0 else 2


def _broadcasts_wide(operator: Operator) -> bool:
    shapes = [tensor.shape for tensor in operator.inputs if tensor is not None]
    return len(set(shapes)) > 1 and max(len(shape) for shape in shapes) > 4


def _two_then_three(operator: Operator) -> int:
    if _broadcasts_wide(operator):
        return 3
    return 2 if _is_int8(operator) else 1


def _resize(operator: Operator) -> int:
    centred = bool(_option(operator, "halfPixelCenters"))
    aligned = bool(_option(operator, "alignCorners")) and operator.op == "RESIZE_NEAREST_NEIGHBOR"
    return 3 if centred or aligned else 2 if _is_int8(operator) else 1


def _by_rank(wide: int, above: int, then: dict[int, int] | None = None) -> Rule:
    def version(operator: Operator) -> int:
        rank = len(_data(operator).shape)
        if then and rank in then:
            return then[rank]
        return wide if rank > above else 2 if _is_int8(operator) else 1

    return version


def _transpose_conv(operator: Operator) -> int:
    if len(operator.inputs) == 4 and operator.inputs[3] is not None:
        return 3
    return 2 if _is_int8(operator) else 1


_SPECIAL: dict[str, Rule] = {
    "CONV_2D": _conv,
    "DEPTHWISE_CONV_2D": _depthwise,
    "DIV": lambda operator: 2 if _broadcasts_wide(operator) else 1,
    "FULLY_CONNECTED": _fully_connected,
    "MAXIMUM": _two_then_three,
    "MINIMUM": _two_then_three,
    "MUL": _mul,
    "PAD": _by_rank(4, above=4),
    "PADV2": _by_rank(4, above=4),
    "RESIZE_BILINEAR": _resize,
    "RESIZE_NEAREST_NEIGHBOR": _resize,
    "SLICE": _by_rank(5, above=4),
    "STRIDED_SLICE": _by_rank(4, above=4),
    "SUB": _two_then_three,
    "TRANSPOSE": _by_rank(4, above=4, then={6: 6}),
    "TRANSPOSE_CONV": _transpose_conv,
}
