"""What in a float network a QDQ file rounds: each layer's weights, each activation's grid.

The QDQ file is read by `graph.qdq`, so that files of every quantiser look alike here, and its nodes are found again in
the canonical float network: by their name, else by the name of their first output.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import onnx_ir as ir
from numpy.typing import NDArray

from ...errors import QuantizeError
from ...graph.edit import constant_of, is_op, only_reader
from ...graph.kinds import Kind, kind_of
from ...graph.qdq import QuantizedModel, data_inputs
from ...graph.qdq.params import same_grid
from ...graph.quantization import QuantParams
from ..read_layer import channel_axis

__all__ = ["Grid", "Source", "Sources", "Weights", "find_sources"]

_PICKS = ("MaxPool", "GlobalMaxPool", "ReduceMax")


@dataclass(frozen=True)
class Weights:
    """Constants of one node as the file holds them. arrays: input index → float32 array, dequantised, in the layout of
    the float node. codes, grid: of the weight itself (input 1 of a convolution or matrix product, else the first one).
    floats: what the float node has in the weight's place. axis: of its output channels, None where it has none.
    """

    arrays: Mapping[int, NDArray[np.float32]]
    codes: NDArray[Any]
    grid: QuantParams
    floats: NDArray[np.float32]
    axis: int | None


@dataclass(frozen=True)
class Grid:
    """A grid of an activation. value: of the float network that it rounds. readers: (node, input index) that read it
    rounded; None: all of them, and the network's output if it is one.
    """

    value: str
    params: QuantParams
    readers: tuple[tuple[str, int], ...] | None = None


@dataclass(frozen=True)
class Source:
    """One layer: its weights, and the grid of what it puts out. Either may be missing, not both.

    layer, op, kind: of the float node; of an input its name, "Input" and "input". value: the tensor that it puts out,
    in the float network, after `absorbed`: activations that the grid takes in. tensor: what the file calls it.
    """

    layer: str
    op: str
    kind: str
    value: str
    tensor: str
    weights: Weights | None = None
    grid: Grid | None = None
    absorbed: tuple[str, ...] = ()


@dataclass(frozen=True)
class Sources:
    """rows: in the order in which the file computes them. lost: what of the file is not found in the float network."""

    rows: tuple[Source, ...]
    lost: tuple[str, ...] = field(default=())


def find_sources(model: ir.Model, file: QuantizedModel, *, where: str) -> Sources:
    """All that `file` rounds, found in the canonical float `model`, which is not changed.

    Raises QuantizeError if there is nothing in the file that is rounded, or nothing of it is found.
    """
    finder = _Finder(model, file)
    if not file.params:
        raise QuantizeError(where, "is not quantised: it has no QuantizeLinear", accepted="a QDQ ONNX file")
    rows = tuple(finder.rows())
    if not rows:
        raise QuantizeError(
            where,
            "none of its layers is found in the float network",
            accepted="the float ONNX file that it was made from, with the same node or tensor names",
        )
    return Sources(rows, tuple(finder.lost))


class _Finder:
    def __init__(self, model: ir.Model, file: QuantizedModel) -> None:
        self.file = file
        self.values = {str(value.name): value for value in model.graph.inputs}
        self.values |= {str(value.name): value for node in model.graph for value in node.outputs}
        by_name = {str(node.name): node for node in model.graph}
        self.node_names = set(by_name)
        by_output = {str(node.outputs[0].name): node for node in model.graph}
        self.nodes: dict[ir.Node, ir.Node] = {}
        for node in file.model.graph:
            found = by_name.get(str(node.name))
            if found is None or found.op_type != node.op_type:
                found = _maker(by_output.get(str(node.outputs[0].name)), node)
            if found is not None:
                self.nodes[node] = found
        self.taken = set(self.nodes.values())
        self.inputs = dict(zip(file.model.graph.inputs, model.graph.inputs, strict=False))
        self.lost: list[str] = []

    def rows(self) -> list[Source]:
        found = [row for value in self.file.model.graph.inputs if (row := self._input(value)) is not None]
        for node in self.file.model.graph:
            row = self._rounded_apart(node) if node.op_type == "QuantizeLinear" else self._layer(node)
            if row is not None:
                found.append(row)
        return found

    def _input(self, value: ir.Value) -> Source | None:
        params = self.file.held_as_codes(value)
        if params is None:
            return None
        name = str(self.inputs[value].name)
        layer = f"{name} (input)" if name in self.node_names else name
        return Source(layer, "Input", "input", name, str(value.name), grid=Grid(name, params))

    def _layer(self, node: ir.Node) -> Source | None:
        held = self._own_grid(node)
        constants = {i: v for i, v in enumerate(node.inputs) if v is not None and v.name in self.file.codes}
        if held is None and not constants:
            return None
        twin = self.nodes.get(node)
        if twin is None:
            self.lost.append(f"{node.name} ({node.op_type})")
            return None
        weights = self._weights(node, twin, constants) if constants else None
        value, absorbed = self._counterpart(node.outputs[0])
        if value is None or (weights is None and held is None):
            return None
        grid = None if held is None else Grid(value, held)
        tensor = str(node.outputs[0].name)
        return Source(str(twin.name), twin.op_type, str(kind_of(twin)), value, tensor, weights, grid, absorbed)

    def _own_grid(self, node: ir.Node) -> QuantParams | None:
        """The grid of what `node` puts out, None if it is float, or if its inputs have it and the op keeps to it."""
        held = self.file.held_as_codes(node.outputs[0])
        if held is None:
            return None
        moves = kind_of(node) is Kind.SHAPE and node.attributes.get_string("mode", "") not in ("linear", "cubic")
        if moves or is_op(node, *_PICKS):
            sources = [self.file.held_as_codes(value) for value in data_inputs(node)]
            if all(source is not None and same_grid(source, held) for source in sources):
                return None
        return held

    def _weights(self, node: ir.Node, twin: ir.Node, constants: Mapping[int, ir.Value]) -> Weights | None:
        arrays: dict[int, NDArray[np.float32]] = {}
        for index, value in constants.items():
            array = constant_of(value)
            have = constant_of(twin.inputs[index]) if index < len(twin.inputs) else None
            # A bias may be new, or have been one number for all channels; all else has its twin's shape.
            fits = have is not None and array is not None and (have.shape == array.shape or index == 2)
            if array is None or not (fits or (have is None and index == 2 and kind_of(node) in _WITH_BIAS)):
                self.lost.append(f"{value.name}, which {node.name} ({node.op_type}) reads")
                return None
            arrays[index] = array.astype(np.float32)
        main = 1 if 1 in constants and kind_of(node) in _WITH_BIAS else min(constants)
        name, floats = str(constants[main].name), constant_of(twin.inputs[main])
        if floats is None:
            return None
        axis = channel_axis(node.op_type, node.attributes.get_int("group", 1)) if kind_of(node) in _WITH_BIAS else None
        return Weights(arrays, self.file.codes[name], self.file.params[name], floats.astype(np.float32), axis)

    def _counterpart(self, value: ir.Value) -> tuple[str | None, tuple[str, ...]]:
        """Name of the float value that `value` of the file stands for, and the activations passed on the way.

        A Relu or Clip that is not in the file is done by the grid.
        """
        node = value.producer()
        twin = None if node is None else self.nodes.get(node)
        if node is None:
            return (str(self.inputs[value].name), ()) if value in self.inputs else (None, ())
        if twin is None:
            return None, ()
        found, absorbed = twin.outputs[node.outputs.index(value)], []
        while (after := only_reader(found)) is not None and is_op(after, "Relu", "Clip") and after not in self.taken:
            absorbed.append(str(after.name))
            found = after.outputs[0]
        return str(found.name), tuple(absorbed)

    def _rounded_apart(self, node: ir.Node) -> Source | None:
        """A QuantizeLinear of its own: some readers have a tensor on one more grid, or rounded where others don't."""
        source, result = node.inputs[0], node.outputs[0]
        params = self.file.held_as_codes(result)
        value, _ = (None, ()) if source is None else self._counterpart(source)
        uses = [(self.nodes.get(reader), index) for reader, index in result.uses()]
        readers = tuple((str(reader.name), index) for reader, index in uses if reader is not None)
        if params is None or value is None or len(readers) < len(uses) or result.is_graph_output():
            self.lost.append(f"{node.name} (QuantizeLinear)")
            return None
        grid = Grid(value, params, readers)
        return Source(str(result.name), "QuantizeLinear", str(Kind.QUANTIZE), value, str(result.name), grid=grid)


def _maker(found: ir.Node | None, node: ir.Node) -> ir.Node | None:
    """The float node that does the work of `node`, from the one that makes the tensor of the same name.

    That may be an activation, where the file's layer has taken it in and its tensor's name. Of an op without weights
    the tensor is all that counts, however the float network comes by it.
    """
    while is_op(found, "Relu", "Clip") and found is not None and found.op_type != node.op_type:
        source = found.inputs[0]
        found = None if source is None else source.producer()
    works = kind_of(node) in _WITH_BIAS
    return found if found is not None and (found.op_type == node.op_type or not works) else None


_WITH_BIAS: Sequence[Kind] = (
    Kind.POINTWISE, Kind.DEPTHWISE, Kind.GROUPED, Kind.STANDARD, Kind.SPATIALLY_SEPARABLE, Kind.TRANSPOSED,
    Kind.FULLY_CONNECTED,
)  # fmt: skip
