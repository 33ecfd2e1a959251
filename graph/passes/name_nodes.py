"""Every layer gets a name that a reader knows again."""

from __future__ import annotations

import onnx_ir as ir

from ..edit import is_op

__all__ = ["name_nodes"]

_WEIGHTED = ("Conv", "ConvTranspose", "Gemm", "MatMul")


def name_nodes(model: ir.Model) -> bool:
    """Name each node after its weight, without ".weight", or else after its first output. Changes no value.

    A weight's name is looked for behind a quantisation, too. Ensures: names are unique and not empty; a name taken
    twice has a number added, in the order of the graph.
    """
    taken: set[str] = set()
    changed = False
    for node in model.graph:
        wanted = _weight_name(node) or str(node.outputs[0].name or node.op_type)
        name, number = wanted, 1
        while name in taken:
            name, number = f"{wanted}_{number}", number + 1
        taken.add(name)
        changed |= node.name != name
        node.name = name
    return changed


def _weight_name(node: ir.Node) -> str | None:
    if not is_op(node, *_WEIGHTED) or len(node.inputs) < 2:
        return None
    value = node.inputs[1]
    while value is not None and is_op(value.producer(), "DequantizeLinear", "QuantizeLinear", "Transpose"):
        producer = value.producer()
        value = producer.inputs[0] if producer is not None else None
    if value is None or not value.is_initializer():
        return None
    name = str(value.name).removesuffix("_quantized")
    return name.removesuffix(".weight") if name.endswith(".weight") else None
