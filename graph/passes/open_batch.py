"""A Reshape whose shape is computed from an open batch says so in its constant shape."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx.reference
import onnx_ir as ir
from numpy.typing import NDArray

from ..edit import add_initializer, constant_of, is_op

__all__ = ["reshape_open_batch"]

_ARITHMETIC = (
    "Slice", "Gather", "Concat", "Cast", "Squeeze", "Unsqueeze", "Reshape", "Identity", "Add", "Sub", "Mul", "Div",
)  # fmt: skip
_BATCHES = (1009, 1013)
"""Two sizes that nothing else has: where the results for them differ, the batch is meant."""


def reshape_open_batch(model: ir.Model) -> bool:
    """Give a Reshape of [N, …] whose shape is arithmetic on Shape of values with the same N a constant shape. Exact.

    1. The shape does not depend on N: that shape.
    2. Its first size is N, and nothing else depends on it: that shape with 0 in the first place, which says the same.

    Ensures: none of these is left.
    """
    changed = False
    for node in tuple(model.graph):
        if not is_op(node, "Reshape") or constant_of(node.inputs[1]) is not None or "allowzero" in node.attributes:
            continue
        source = node.inputs[0]
        batch = source.shape.dims[0] if source is not None and source.shape is not None and source.shape.dims else 0
        if isinstance(batch, int):
            continue
        one, other = (_evaluated(node.inputs[1], batch, size, model.opset_imports.get("", 20)) for size in _BATCHES)
        shape = _settled(one, other)
        if shape is not None:
            node.replace_input_with(1, add_initializer(model.graph, f"{node.outputs[0].name}_shape", shape))
            changed = True
    return changed


def _settled(one: NDArray[Any] | None, other: NDArray[Any] | None) -> NDArray[np.int64] | None:
    if one is None or other is None or one.shape != other.shape or one.ndim != 1:
        return None
    shape = one.astype(np.int64)
    if np.array_equal(one, other):
        return shape
    first = one.size > 0 and (int(one[0]), int(other[0])) == _BATCHES
    if not first or not np.array_equal(one[1:], other[1:]):
        return None
    shape[0] = 0
    return shape


def _evaluated(value: ir.Value | None, batch: object, size: int, opset: int) -> NDArray[Any] | None:
    """The numbers that `value` holds where the batch is `size`; None where it depends on anything else."""
    if value is None:
        return None
    held = constant_of(value)
    node = value.producer()
    if held is not None or node is None:
        return held
    if is_op(node, "Shape") and not {"start", "end"} & set(node.attributes):
        source = node.inputs[0]
        sizes = source.shape.dims if source is not None and source.shape is not None else ()
        known = [size if length == batch else length for length in sizes]
        return np.array(known, np.int64) if sizes and all(isinstance(length, int) for length in known) else None
    if not is_op(node, *_ARITHMETIC) or len(node.outputs) != 1:
        return None
    feeds = {str(source.name): _evaluated(source, batch, size, opset) for source in node.inputs if source is not None}
    if any(array is None for array in feeds.values()):
        return None
    (result,) = onnx.reference.ReferenceEvaluator(ir.to_proto(node), opsets={"": opset}).run(None, feeds)
    return np.asarray(result)
