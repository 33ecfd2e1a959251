"""The plain graph while it is being made: parameters hang on the values themselves, since names still change."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import onnx_ir as ir
from numpy.typing import NDArray

from ..edit import add_initializer, free_name, is_op, only_reader, replace_node
from ..quantization import QuantParams
from .view import QuantizedModel

__all__ = ["Draft"]


@dataclass
class Draft:
    """A graph under way. Values are told apart by identity."""

    model: ir.Model
    params: dict[ir.Value, QuantParams] = field(default_factory=dict)
    codes: dict[ir.Value, NDArray[Any]] = field(default_factory=dict)
    rounded: dict[str, float] = field(default_factory=dict)

    @property
    def graph(self) -> ir.Graph:
        return self.model.graph

    def free_name(self, wanted: str) -> str:
        return free_name(self.graph, wanted)

    def add_codes(self, name: str, codes: NDArray[Any], params: QuantParams) -> ir.Value:
        """A new initialiser that holds `codes` dequantised."""
        value = add_initializer(self.graph, name, params.dequantize(codes))
        self.params[value] = params
        self.codes[value] = np.asarray(codes, order="C")
        return value

    def made_by(self, node: ir.Node) -> QuantParams | None:
        """What the codes that a layer makes are on, a Relu or Clip between or not; None where it makes floats."""
        result = node.outputs[0]
        reader = only_reader(result)
        if result not in self.params and reader is not None and is_op(reader, "Relu", "Clip"):
            result = reader.outputs[0]
        return self.params.get(result)

    def forget(self, constant: ir.Value) -> None:
        """Drop an initialiser that nothing reads any more."""
        self.graph.initializers.pop(str(constant.name), None)
        self.params.pop(constant, None)
        self.codes.pop(constant, None)

    def replace(self, node: ir.Node, op: str, inputs: list[ir.Value | None]) -> ir.Node:
        """`edit.replace_node`, the parameters of the output kept."""
        params = self.params.pop(node.outputs[0], None)
        new = replace_node(node, op, inputs)
        if params is not None:
            self.params[new.outputs[0]] = params
        return new

    def replace_output(self, old: ir.Value, new: ir.Value) -> None:
        """Let `new` be an output of the graph where `old` was."""
        outputs = self.graph.outputs
        for index, value in enumerate(outputs):
            if value is old:
                outputs[index] = new

    def add_quantize(self, source: ir.Value, params: QuantParams, name: str, after: ir.Node | None) -> ir.Value:
        """A QuantizeLinear of its own behind `source`, placed after a node (None: first). Returns its output."""
        node = ir.Node("", "QuantizeLinear", [source], name=name, num_outputs=1)
        output = node.outputs[0]
        output.name = name
        output.shape, output.type = source.shape, source.type
        if after is not None:
            self.graph.insert_after(after, node)
        elif len(self.graph):
            self.graph.insert_before(self.graph[0], node)
        else:
            self.graph.append(node)
        self.params[output] = params
        return output

    def finished(self) -> QuantizedModel:
        """Names settled."""
        params = {value.name: held for value, held in self.params.items() if value.name and self._alive(value)}
        codes = {value.name: held for value, held in self.codes.items() if value.name and self._alive(value)}
        return QuantizedModel(self.model, params, codes, self.rounded)

    def _alive(self, value: ir.Value) -> bool:
        return value.graph is self.graph
