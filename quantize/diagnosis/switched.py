"""The float network with some of its weights and grids switched on."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx_ir as ir
from numpy.typing import NDArray

from .sources import Grid, Source, Weights

__all__ = ["Switched", "switched"]


@dataclass(frozen=True)
class Switched:
    """model: a copy. rounded: layer → the value that its grid puts out there, of grids that are on."""

    model: ir.Model
    rounded: Mapping[str, str]


def switched(
    model: ir.Model, rows: Iterable[Source], *, weights: Collection[str] = (), grids: Collection[str] = ()
) -> Switched:
    """A copy of the float `model` with the weights of the layers in `weights` as the file holds them, and a pair
    QuantizeLinear → DequantizeLinear at the grids of those in `grids`.

    With none it is the float network, with all of them the file's, activations that a grid takes in still in place:
    they change nothing there. To be run as it is written (`Engine(as_written=True)`).
    """
    switching = _Switching(model.clone())
    rounded = {}
    for row in rows:
        if row.layer in weights and row.weights is not None:
            switching.weights(row.layer, row.weights)
        if row.layer in grids and row.grid is not None:
            rounded[row.layer] = switching.pair(row.grid)
    return Switched(switching.model, rounded)


class _Switching:
    """One copy being changed."""

    def __init__(self, model: ir.Model) -> None:
        self.model = model
        self.graph = model.graph
        self.nodes = {str(node.name): node for node in self.graph}
        self.present = {str(value.name): value for value in self.graph.inputs}
        self.present |= {str(value.name): value for node in self.graph for value in node.outputs}
        self.taken = {*self.present, *self.graph.initializers, *self.nodes}

    def weights(self, layer: str, weights: Weights) -> None:
        node = self.nodes[layer]
        node.resize_inputs(max(len(node.inputs), max(weights.arrays) + 1))
        for index, array in weights.arrays.items():
            old = node.inputs[index]
            node.replace_input_with(index, self._constant(f"{layer}_rounded_{index}", array))
            if old is not None and not old.uses():
                self.graph.initializers.pop(str(old.name), None)

    def pair(self, grid: Grid) -> str:
        """Put a pair behind a value; returns the name of what comes out."""
        name, params = grid.value, grid.params
        value = self.present[name]
        shape = (-1,) if params.per_channel else ()
        scale = self._constant(f"{name}_scale", params.scale.reshape(shape))
        zero = self._constant(f"{name}_zero_point", params.zero_point.astype(params.dtype).reshape(shape))
        axis = {} if params.axis is None else {"axis": params.axis}
        quantize = ir.node("QuantizeLinear", [value, scale, zero], axis)
        codes = self._named(quantize, f"{name}_codes", params.dtype, value)
        dequantize = ir.node("DequantizeLinear", [codes, scale, zero], axis)
        real = self._named(dequantize, f"{name}_on_grid", "float32", value)
        producer = value.producer()
        if producer is None:
            self.graph.insert_before(self.graph[0], [quantize, dequantize])
        else:
            self.graph.insert_after(producer, [quantize, dequantize])
        if grid.readers is None:
            self._replace(value, real, but=quantize)
            self.present[name] = real
        else:
            for reader, index in grid.readers:
                self.nodes[reader].replace_input_with(index, real)
        return str(real.name)

    def _replace(self, value: ir.Value, real: ir.Value, *, but: ir.Node) -> None:
        for node, index in tuple(value.uses()):
            if node is not but:
                node.replace_input_with(index, real)
        for index, output in enumerate(self.graph.outputs):
            if output is value:
                self.graph.outputs[index] = real
                value.name, real.name = real.name, value.name

    def _constant(self, wanted: str, array: NDArray[Any]) -> ir.Value:
        name = self._free(wanted)
        tensor = ir.tensor(array, name=name)
        value = ir.Value(name=name, shape=ir.Shape(array.shape), type=ir.TensorType(tensor.dtype), const_value=tensor)
        self.graph.register_initializer(value)
        return value

    def _named(self, node: ir.Node, wanted: str, dtype: str, like: ir.Value) -> ir.Value:
        node.name = self._free(wanted)
        value = node.outputs[0]
        value.name, value.shape = node.name, like.shape
        value.type = ir.TensorType(ir.DataType.from_numpy(np.dtype(dtype)))
        return value

    def _free(self, wanted: str) -> str:
        name, number = wanted, 1
        while name in self.taken:
            name, number = f"{wanted}_{number}", number + 1
        self.taken.add(name)
        return name
