"""An onnx.ModelProto as the rewrites look at it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Looked", "copied", "replace_nodes", "shared_out"]


class Looked:
    """A view of `model`, of the time when it was made. Shapes are inferred when they are first asked for."""

    def __init__(self, model: Any) -> None:
        self.model = model
        self.constants = {tensor.name: tensor for tensor in model.graph.initializer}
        self.makers = {name: node for node in model.graph.node for name in node.output}

    @property
    def opset(self) -> int:
        """Of the default domain; 0 where the file names none."""
        return next((int(entry.version) for entry in self.model.opset_import if entry.domain in ("", "ai.onnx")), 0)

    @staticmethod
    def attributes(node: Any) -> dict[str, Any]:
        from onnx import helper

        return {attribute.name: helper.get_attribute_value(attribute) for attribute in node.attribute}

    def array(self, name: str) -> NDArray[Any] | None:
        """A constant's values; None where `name` is none, or lies in a file of its own."""
        from onnx import TensorProto, numpy_helper

        tensor = self.constants.get(name)
        if tensor is None or tensor.data_location == TensorProto.EXTERNAL:
            return None
        return numpy_helper.to_array(tensor)

    def add(self, name: str, array: NDArray[Any]) -> str:
        """A new constant."""
        from onnx import numpy_helper

        self.model.graph.initializer.append(numpy_helper.from_array(array, name))
        return name

    def sizes(self, name: str) -> list[int] | None:
        """The shape of a value, 0 for what is open; None where not even the rank is known."""
        if name in self.constants:
            return list(self.constants[name].dims)
        return self._inferred.get(name)

    @cached_property
    def _inferred(self) -> dict[str, list[int]]:
        import onnx

        graph = onnx.shape_inference.infer_shapes(self.model, data_prop=True).graph
        values = (*graph.input, *graph.value_info, *graph.output)
        shaped = (value for value in values if value.type.tensor_type.HasField("shape"))
        return {value.name: [dim.dim_value for dim in value.type.tensor_type.shape.dim] for value in shaped}

    def pads(self, node: Any, kernel: list[int]) -> list[int]:
        """Of a window that moves: before in all directions, then after; [] where a size that they depend on is open.

        ONNX, operator Conv, `auto_pad`.
        """
        given, ones = self.attributes(node), [1] * len(kernel)
        mode = given.get("auto_pad", b"NOTSET")
        if not mode.startswith(b"SAME"):
            return list(given.get("pads", [0] * 2 * len(kernel))) if mode == b"NOTSET" else [0] * 2 * len(kernel)
        sizes = (self.sizes(node.input[0]) or [0])[2:]
        if len(sizes) != len(kernel) or 0 in sizes:
            return []
        rows = zip(sizes, kernel, given.get("strides", ones), given.get("dilations", ones), strict=True)
        totals = [max(0, (-(-size // by) - 1) * by + (taps - 1) * step + 1 - size) for size, taps, by, step in rows]
        return shared_out(totals, mode)

    def grid(self, name: str) -> tuple[Any, np.float32, NDArray[Any]] | None:
        """The DequantizeLinear that makes `name` of codes which the graph computes, its scale and its zero point.

        None where there is none, where it has a scale by channel or no zero point, or its numbers are not constants.
        """
        node = self.makers.get(name)
        if node is None or node.op_type != "DequantizeLinear" or node.domain or len(node.input) < 3:
            return None
        scale, zero_point = self.array(node.input[1]), self.array(node.input[2])
        if node.input[0] in self.constants or scale is None or zero_point is None or scale.size != 1:
            return None
        return node, np.float32(scale.item()), zero_point


def shared_out(totals: Sequence[int], mode: bytes) -> list[int]:
    """Pads before, then after, `totals` in each direction; the odd one stands behind for SAME_UPPER, else in front."""
    small, large = [total // 2 for total in totals], [total - total // 2 for total in totals]
    return small + large if mode == b"SAME_UPPER" else large + small


def copied(node: Any, *without: str, **attributes: Any) -> Any:
    """`node` again, attributes of these names left out, others added."""
    from onnx import helper

    copy = type(node)()
    copy.CopyFrom(node)
    del copy.attribute[:]
    copy.attribute.extend(attribute for attribute in node.attribute if attribute.name not in without)
    copy.attribute.extend(helper.make_attribute(name, value) for name, value in attributes.items())
    return copy


def replace_nodes(looked: Looked, written: Callable[[Looked, Any], Sequence[Any]]) -> bool:
    """Put what `written` makes of each node of the default domain in its place; nothing made leaves the node.

    Returns whether anything was made.
    """
    from onnx import GraphProto

    graph, changed = GraphProto(), False
    for node in looked.model.graph.node:
        made = [] if node.domain else written(looked, node)
        changed |= bool(made)
        graph.node.extend(made or [node])
    if changed:
        looked.model.graph.ClearField("node")
        looked.model.graph.node.extend(graph.node)
    return changed
