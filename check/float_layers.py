"""Layers of an int8 file that ran in float, each with the reason."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ..export.onnx_to_tflite import FLOAT_SUFFIX
from ..graph.load import load_graph
from ..runtime.interface import Placement
from .cut import find_layers

__all__ = ["FloatLayer", "FloatReasons"]

_RUNTIMES_CHOICE = "held as codes in the file; this runtime has no int8 kernel for it"
_MADE = "the runtime's own: made out of a layer that it has no int8 kernel for"
_WRITTEN = "held as codes in the QDQ file; written to TFLite in float on purpose (docs: formats, what TFLite can carry)"
_NOT_QUANTISED = "not quantised in the file"


@dataclass(frozen=True)
class FloatLayer:
    """layer: the node's name in the QDQ file where the runtime's name leads back to one, else the runtime's.

    op: the runtime's. precision: "float32", "float16" or "bfloat16".
    """

    layer: str
    op: str
    precision: str
    reason: str


class FloatReasons:
    """Why a runtime ran a layer in float: the quantiser left it so, or the runtime did.

    qdq: the QDQ file that all int8 files are translations of; None: names and reasons stay unknown. left_float: node
    name → the quantiser's reason.
    """

    def __init__(self, qdq: Path | None, left_float: Mapping[str, str]) -> None:
        self._left = left_float
        self._nodes: dict[str, str] = {}
        self._held: set[str] = set()
        if qdq is not None:
            self._read(qdq)

    def explain(self, placement: Placement) -> FloatLayer:
        node = self._nodes.get(placement.layer.removesuffix(FLOAT_SUFFIX))
        if node is not None and placement.layer not in self._nodes:
            return FloatLayer(node, placement.op, placement.precision, _WRITTEN)
        layer = node or placement.layer
        return FloatLayer(layer, placement.op, placement.precision, self._reason(layer))

    def _reason(self, node: str) -> str:
        if node in self._left:
            return self._left[node]
        if node not in self._nodes:
            return _MADE if self._nodes else ""
        return _RUNTIMES_CHOICE if node in self._held else _NOT_QUANTISED

    def _read(self, qdq: Path) -> None:
        """Runtimes name a layer by its node or by a tensor that it makes, which may be the codes or their copy."""
        model = load_graph(qdq)
        for node in model.graph:
            name = node.name or str(node.outputs[0].name)
            source = node.inputs[0] if node.inputs else None
            if node.op_type in ("QuantizeLinear", "DequantizeLinear") and source is not None:
                name = self._nodes.get(str(source.name), name)
            else:
                self._nodes[name] = name
            self._nodes.update({str(value.name): name for value in node.outputs})
        self._held = {node for layer in find_layers(model) if layer.comparable for node in layer.nodes}
