"""The view of a quantised model that every translation starts from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import onnx_ir as ir
from numpy.typing import NDArray

from ..cost import float32_bytes
from ..quantization import QuantParams

__all__ = ["QuantizedModel", "code_bytes", "data_inputs"]

_FIRST_ONLY = frozenset(
    (
        "Reshape", "Flatten", "Transpose", "Squeeze", "Unsqueeze", "Pad", "Slice", "Split", "Resize", "Expand",
        "Gather", "Clip", "ReduceMean", "ReduceMax", "ReduceSum", "Identity", "QuantizeLinear",
    )
)  # fmt: skip


def data_inputs(node: ir.Node) -> tuple[ir.Value, ...]:
    """The inputs that carry data: not the shapes, bounds, axes and pads that only steer the op."""
    inputs = node.inputs[:1] if node.op_type in _FIRST_ONLY else node.inputs
    return tuple(value for value in inputs if value is not None and value.name)


@dataclass(frozen=True)
class QuantizedModel:
    """A plain graph without Q/DQ pairs, and what each of its values is held as.

    model: every value in float32 as seen between a DequantizeLinear and the next QuantizeLinear; a conversion that
    belongs to no pair stays as a QuantizeLinear node with one input, whose output is held as codes.
    params: value name → parameters, for each activation, weight and bias that is held as codes. A value without an
    entry is float. codes: initialiser name → integer codes, of the dtype in its parameters; the initialiser in `model`
    holds the same numbers dequantised. A float model has neither. rounded: name of a bias that the file had in float or
    on another grid → the greatest change that its int32 codes meant, in steps of the codes that the layer makes.
    """

    model: ir.Model
    params: dict[str, QuantParams]
    codes: dict[str, NDArray[Any]]
    rounded: dict[str, float] = field(default_factory=dict)

    def held_as_codes(self, value: ir.Value | None) -> QuantParams | None:
        """The parameters of `value`, None if it is float."""
        return None if value is None or value.name is None else self.params.get(value.name)

    def runs_in_int8(self, node: ir.Node) -> bool:
        """The one rule: a node runs in int8 if and only if all its data inputs and outputs are held as codes."""
        values = (*data_inputs(node), *(value for value in node.outputs if value.name))
        return all(self.held_as_codes(value) is not None for value in values)


def code_bytes(quantized: QuantizedModel) -> Callable[[ir.Value], int]:
    """Element sizes for `cost.graph_cost`: 1 for int8 and uint8 codes, 4 for int32 codes and for float32."""

    def size(value: ir.Value) -> int:
        held = quantized.held_as_codes(value)
        if held is not None:
            return np.dtype(held.dtype).itemsize
        return float32_bytes(value)

    return size
