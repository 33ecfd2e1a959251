"""A graph as text, one line a node: for reading in a diff."""

from __future__ import annotations

import onnx_ir as ir

from .kinds import kind_of

__all__ = ["describe"]


def describe(model: ir.Model) -> str:
    """Inputs, nodes in order, outputs; weights by shape alone. Ends with a newline.

    A node's line: outputs with their shapes = name: op (kind) (inputs) {attributes}. A left-out input shows as "·".
    """
    graph = model.graph
    lines = [f"input {_typed(value)}" for value in graph.inputs]
    lines += [_node(node) for node in graph]
    lines += [f"output {_typed(value)}" for value in graph.outputs]
    return "\n".join(lines) + "\n"


def _node(node: ir.Node) -> str:
    outputs = ", ".join(_typed(value) for value in node.outputs if value.name)
    inputs = ", ".join(_input(value) for value in node.inputs)
    attributes = " ".join(f"{name}={_plain(attribute)}" for name, attribute in sorted(node.attributes.items()))
    op = f"{node.domain}.{node.op_type}" if node.domain else node.op_type
    return f"{outputs} = {node.name}: {op} ({kind_of(node)}) ({inputs})" + (f" {{{attributes}}}" if attributes else "")


def _input(value: ir.Value | None) -> str:
    if value is None or not value.name:
        return "·"
    if not value.is_initializer():
        return value.name
    array = value.const_value
    if (
        array is not None
        and array.size <= 8
        and value.dtype is not None
        and not value.name.endswith((".weight", ".bias"))
    ):
        return f"{value.name}={array.numpy().tolist()}"
    return _typed(value)


def _typed(value: ir.Value) -> str:
    size = "×".join(map(str, value.shape.dims)) if value.shape is not None else "?"
    kind = value.dtype.name.lower() if value.dtype is not None else "?"
    return f"{value.name}[{size}]" if kind == "float" else f"{value.name}[{size} {kind}]"


def _plain(attribute: ir.Attr) -> str:
    value = attribute.value
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, (list, tuple)):
        return "[" + ",".join(map(str, value)) + "]"
    return str(value)
