"""The plain graph while it is being made: parameters hang on the values themselves, since names still change."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import onnx_ir as ir
from numpy.typing import NDArray

from ..quantization import QuantParams
from .view import QuantizedModel

__all__ = ["Draft"]


@dataclass
class Draft:
    """A graph under way. Values are told apart by identity."""

    model: ir.Model
    params: dict[ir.Value, QuantParams] = field(default_factory=dict)
    codes: dict[ir.Value, NDArray[Any]] = field(default_factory=dict)

    @property
    def graph(self) -> ir.Graph:
        return self.model.graph

    def free_name(self, wanted: str) -> str:
        """`wanted`, with a number added if another value of the graph already has it."""
        taken = set(self.graph.initializers) | {value.name for value in self.graph.inputs}
        taken |= {value.name for node in self.graph for value in node.outputs}
        name, number = wanted, 1
        while name in taken:
            name, number = f"{wanted}_{number}", number + 1
        return name

    def add_codes(self, name: str, codes: NDArray[Any], params: QuantParams) -> ir.Value:
        """A new initialiser that holds `codes` dequantised."""
        value = ir.Value(name=self.free_name(name))
        self.graph.register_initializer(_filled(value, params.dequantize(codes)))
        self.params[value] = params
        self.codes[value] = codes
        return value

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
        return QuantizedModel(self.model, params, codes)

    def _alive(self, value: ir.Value) -> bool:
        return value.graph is self.graph


def _filled(value: ir.Value, array: NDArray[np.float32]) -> ir.Value:
    value.const_value = ir.tensor(array, name=value.name)
    value.shape = ir.Shape(array.shape)
    value.type = ir.TensorType(ir.DataType.FLOAT)
    return value
