"""Flatten, Squeeze and Unsqueeze are Reshape by other names."""

from __future__ import annotations

import numpy as np
import onnx_ir as ir
from numpy.typing import NDArray

from ..edit import add_initializer, constant_of, is_op, only_reader, replace_node

__all__ = ["target_shape", "to_reshape"]


def to_reshape(model: ir.Model) -> bool:
    """Write Flatten, Squeeze and Unsqueeze as Reshape to a constant shape, and a Reshape of a Reshape as one. Exact.

    Requires known shapes. Ensures: every such node that is not an output of unknown size is a Reshape whose shape has
    each size written out, −1 standing for a dynamic batch alone.
    """
    changed = False
    for node in tuple(model.graph):
        if not is_op(node, "Flatten", "Squeeze", "Unsqueeze", "Reshape") or not _known(node.outputs[0]):
            continue
        changed |= _skip_former(node)
        wanted = target_shape(node.outputs[0])
        shape = constant_of(node.inputs[1]) if is_op(node, "Reshape") else None
        if shape is None or not np.array_equal(shape, wanted) or "allowzero" in node.attributes:
            name = f"{node.outputs[0].name}_shape"
            replace_node(node, "Reshape", [node.inputs[0], add_initializer(model.graph, name, wanted)])
            changed = True
    return changed


def target_shape(value: ir.Value) -> NDArray[np.int64]:
    """The shape of `value` as Reshape wants it, −1 for a dynamic batch."""
    dims = value.shape.dims if value.shape is not None else ()
    return np.array([size if isinstance(size, int) else -1 for size in dims], np.int64)


def _known(value: ir.Value) -> bool:
    return value.shape is not None and sum(not isinstance(size, int) for size in value.shape.dims) <= 1


def _skip_former(node: ir.Node) -> bool:
    source = node.inputs[0]
    former = source.producer() if source is not None else None
    if source is None or former is None or not is_op(former, "Reshape") or only_reader(source) is not node:
        return False
    if is_op(node, "Flatten", "Squeeze", "Unsqueeze"):
        return False  # becomes a Reshape first
    node.replace_input_with(0, former.inputs[0])
    if former.graph is not None:
        former.graph.remove(former, safe=True)
    return True
