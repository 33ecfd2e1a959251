"""Pads of codes are written as codes.

OpenVINO (2026.4.1) moves a DequantizeLinear behind the layer that reads it, and pads the codes then with 0, which is
the number 0 only where the zero point is 0: in AveragePool with count_include_pad, in Pad, and in depthwise
convolutions with a multiplier. Pads between the QuantizeLinear and the DequantizeLinear leave no choice.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .proto import Looked, copied, replace_nodes

__all__ = ["put_pads_on_codes"]

_PADS_OF_ANY_TYPE = 11
"""The first opset whose Pad takes codes, and its pads as an input."""
_NO_NUMBER_BETWEEN = 1e-4
"""Of a step: how far a Pad's number may lie from a code and still be meant by it."""


def put_pads_on_codes(looked: Looked) -> bool:
    """Pad the codes of grids whose zero point is not 0 for the layers named above, and for a Pad with a number other
    than 0 the codes of any grid that has that number. Means that may end behind their pads (ceil_mode) stay so.

    Changes the model in place. Returns whether it did.
    """
    return looked.opset >= _PADS_OF_ANY_TYPE and replace_nodes(looked, _padded)


def _padded(looked: Looked, node: Any) -> list[Any]:
    grid = looked.grid(node.input[0]) if node.op_type in ("Pad", *_PADS) else None
    if grid is None:
        return []
    _, scale, zero_point = grid
    if node.op_type == "Pad":
        code = _code_of_pad(looked, node, scale, zero_point)
        return [] if code is None else _pair(looked, node, node.input[1], code, node.output[0], list(node.input[3:]))
    pads = _PADS[node.op_type](looked, node) if zero_point.any() else []
    if not any(pads):
        return []
    half = len(pads) // 2
    whole = [0, 0, *pads[:half], 0, 0, *pads[half:]]
    around = looked.add(f"{node.output[0]}_pads", np.array(whole, np.int64))
    pair = _pair(looked, node, around, zero_point, f"{node.output[0]}_padded", [])
    layer = copied(node, "auto_pad", "pads")
    layer.input[0] = pair[-1].output[0]
    return [*pair, layer]


def _pair(
    looked: Looked, node: Any, pads: str, code: NDArray[Any], output: str, axes: list[str]
) -> list[Any]:  # fmt: skip
    """The codes padded by `code`, and what makes numbers of them."""
    from onnx import helper

    maker = looked.makers[node.input[0]]
    fill = looked.add(f"{node.output[0]}_fill", code.reshape(()))
    codes = f"{node.output[0]}_padded_codes"
    name = node.name if node.op_type == "Pad" else codes
    dequantize = copied(maker)
    dequantize.name = f"{codes}_dequantized"
    dequantize.input[0] = codes
    dequantize.output[0] = output
    return [helper.make_node("Pad", [maker.input[0], pads, fill, *axes], [codes], name=name), dequantize]


def _code_of_pad(looked: Looked, node: Any, scale: np.float32, zero_point: NDArray[Any]) -> NDArray[Any] | None:
    """What a Pad's number is as a code; None where OpenVINO has it right, or where it is no code."""
    if looked.attributes(node).get("mode", b"constant") != b"constant":
        return None
    filled = looked.array(node.input[2]) if len(node.input) > 2 and node.input[2] else np.zeros(1)
    if filled is None or not (filled.any() or zero_point.any()):
        return None
    exact = float(filled.item()) / float(scale) + float(zero_point.item())
    code, info = round(exact), np.iinfo(zero_point.dtype)
    if abs(exact - code) > _NO_NUMBER_BETWEEN or not info.min <= code <= info.max:
        return None
    return np.array(code, zero_point.dtype)


def _of_mean(looked: Looked, node: Any) -> list[int]:
    given = looked.attributes(node)
    if not given.get("count_include_pad", 0) or given.get("ceil_mode", 0):
        return []
    return looked.pads(node, given["kernel_shape"])


def _of_multiplied(looked: Looked, node: Any) -> list[int]:
    given, weight = looked.attributes(node), looked.sizes(node.input[1])
    if not weight or weight[1] != 1 or not weight[0] > given.get("group", 1) > 1:
        return []
    return looked.pads(node, weight[2:])


_PADS = {"AveragePool": _of_mean, "Conv": _of_multiplied}
