"""QuantizeLinear and DequantizeLinear of ONNX Runtime's own domain become the standard ones, which mean the same."""

from __future__ import annotations

import onnx

__all__ = ["standard_quantizers"]

_OPS = ("QuantizeLinear", "DequantizeLinear")
_OPSET_OF_OTHER_WIDTHS = 21
_IR_VERSION = 10
"""The first that has opset 21."""


def standard_quantizers(proto: onnx.ModelProto) -> bool:
    """Move them into the default domain, in place. Returns whether there were any.

    quantize_static writes com.microsoft's where the standard ones of the model's opset take no 4 or 16 bits, or if it
    is told to; nobody but ONNX Runtime knows the shapes of what they make. Their opset is raised to 21, which has these
    widths and else only adds types; a model with GroupNormalization, whose meaning changed there, keeps its own.
    """
    nodes = [node for node in proto.graph.node if node.domain == "com.microsoft" and node.op_type in _OPS]
    for node in nodes:
        node.domain = ""
    if nodes and not any(node.op_type == "GroupNormalization" for node in proto.graph.node):
        for entry in proto.opset_import:
            if entry.domain in ("", "ai.onnx"):
                entry.version = max(entry.version, _OPSET_OF_OTHER_WIDTHS)
        proto.ir_version = max(proto.ir_version, _IR_VERSION)
    return bool(nodes)
