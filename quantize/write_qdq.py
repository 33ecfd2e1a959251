"""From a float graph, grids and rounded weights to the QDQ graph.

Names: a tensor t gets `t_quantized`, `t_dequantized`, `t_scale` and `t_zero_point`; a graph output keeps its name, on
the DequantizeLinear, and the value before the pair is `t_float`. Weights and biases are stored as codes alone.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import onnx_ir as ir
from numpy.typing import NDArray

from ..graph.quantization import QuantParams
from .layer import Layer, RoundedLayer
from .op_table import ROWS
from .placement import Placement
from .read_layer import WITH_WEIGHTS, channel_axis, in_file_layout
from .rounding.weights import accumulator_scale, bias_codes

__all__ = ["quantized_name", "write_qdq"]


def quantized_name(value: str) -> str:
    """Name of the codes of an activation."""
    return f"{value}_quantized"


def write_qdq(
    model: ir.Model,
    placement: Placement,
    grids: Mapping[str, QuantParams],
    rounded: Mapping[str, RoundedLayer],
) -> ir.Model:
    """A QDQ copy of the canonical float `model`.

    grids: by value name, for every value of the placement's groups. rounded: by layer name.
    """
    copy = model.clone()
    writer = _Writer(copy.graph)
    for name in placement.dropped:
        writer.drop(name)
    for layer in placement.layers:
        writer.weights(layer, rounded[layer.name], grids[layer.source])
    names = [name for group in placement.groups for name in group.values]
    for name in names:
        if name in placement.constants:
            writer.constant(name, grids[name], placement.int8)
        else:
            writer.pair(name, grids[name], placement.int8)
    for (node, index), target in placement.apart.items():
        writer.requantize(node, index, grids[target])
    writer.finish()
    return copy


class _Writer:
    """One graph being rewritten."""

    def __init__(self, graph: ir.Graph) -> None:
        self.graph = graph
        self.nodes = {node.name or "": node for node in graph}
        self.values = dict(graph.initializers) | {value.name or "": value for value in graph.inputs}
        self.values |= {value.name or "": value for node in graph for value in node.outputs}

    def drop(self, name: str) -> None:
        """Take an activation's node out; what it read takes over its output's name."""
        node = self.nodes.pop(name)
        before, after = node.inputs[0], node.outputs[0]
        if before is None:
            raise ValueError(f"{name} has no input")
        after.replace_all_uses_with(before, replace_graph_outputs=True)
        kept = after.name
        self.graph.remove(node, safe=True)
        self.values.pop(before.name or "")
        before.name = kept
        self.values[kept or ""] = before

    def weights(self, layer: Layer, rounded: RoundedLayer, grid: QuantParams) -> None:
        node = self.nodes[layer.name]
        weight = self._own_name(node, 1, "weight")
        bias = self._own_name(node, 2, "bias")
        op, scale_in = node.op_type, float(grid.scale[0])
        one = rounded.per_tensor
        kept = slice(0, 1) if one else slice(None)
        zeros = np.zeros(1 if one else layer.channels_out, np.int64)
        grid_of_weight = QuantParams(rounded.scale[kept], zeros, "int8", None if one else channel_axis(op, layer.group))
        grid_of_bias = QuantParams(accumulator_scale(rounded, scale_in)[kept], zeros, "int32", None if one else 0)
        codes = in_file_layout(op, rounded.codes, layer.group)
        node.resize_inputs(3)
        node.replace_input_with(1, self._codes(weight, codes, grid_of_weight, node))
        node.replace_input_with(2, self._codes(bias, bias_codes(rounded, scale_in), grid_of_bias, node))

    def pair(self, name: str, grid: QuantParams, int8: Collection[str]) -> None:
        """A pair behind an activation; all that read it read the dequantised value."""
        value = self.values[name]
        output = value.is_graph_output()
        scale, zero_point = self._grid(name, grid)
        quantize = ir.node("QuantizeLinear", [value, scale, zero_point], name=quantized_name(name))
        codes = self._typed(quantize, quantized_name(name), grid.dtype, value.shape)
        dequantize = ir.node("DequantizeLinear", [codes, scale, zero_point], name=f"{name}_dequantized")
        real = self._typed(dequantize, f"{name}_dequantized", "float32", value.shape)
        self._replace_uses(value, real, but=quantize)
        producer = value.producer()
        if producer is None:
            self.graph.insert_before(self.graph[0], [quantize, dequantize])
        else:
            self.graph.insert_after(producer, [quantize, dequantize])
        if output:
            value.name, real.name = f"{name}_float", name
        for node, index in list(real.uses()):
            if index == 0 and node.op_type in WITH_WEIGHTS and node.name not in int8:
                self._spread(node, codes, f"{name}_for_{node.name}", grid)
        if not real.uses() and not output:
            self.values.pop(real.name or "")
            self.graph.remove(dequantize, safe=True)

    def _spread(self, node: ir.Node, codes: ir.Value, name: str, grid: QuantParams) -> None:
        """Let a float layer read `codes` through a DequantizeLinear that says the one scale for each index of an axis.

        The numbers are the same. But ONNX Runtime (1.21 and later, WeightBiasQuantization) takes float weights between
        a DequantizeLinear of one scale and a QuantizeLinear for ones that somebody forgot, and quantises them per
        tensor when it loads the file; it leaves them alone where the input has more than one scale.
        """
        sizes = list(enumerate(codes.shape or ()))
        long = [(axis, size) for axis, size in sizes[1:] if isinstance(size, int) and size > 1]
        if not long:
            return
        axis, size = long[0]
        many = replace(grid, scale=np.repeat(grid.scale, size), zero_point=np.repeat(grid.zero_point, size), axis=axis)
        scale, zero_point = self._grid(name, many)
        dequantize = ir.node("DequantizeLinear", [codes, scale, zero_point], {"axis": axis}, name=f"{name}_dequantized")
        node.replace_input_with(0, self._typed(dequantize, f"{name}_dequantized", "float32", codes.shape))
        self.graph.insert_before(node, dequantize)

    def constant(self, name: str, grid: QuantParams, int8: tuple[str, ...]) -> None:
        """Store an initialiser as codes for the int8 nodes that read it in the place of an activation."""
        value = self.values[name]
        if value.const_value is None:
            raise ValueError(f"{name} is no constant")
        codes = grid.quantize(value.const_value.numpy())
        inside = set(int8)
        uses = [(node, index) for node, index in value.uses() if node.name in inside]
        uses = [(node, index) for node, index in uses if index in dict(ROWS[node.op_type].activations(node))]
        first = min((node for node, _ in uses), key=self.graph.index)
        real = self._codes(name, codes, grid, first)
        for node, index in uses:
            node.replace_input_with(index, real)

    def requantize(self, name: str, index: int, grid: QuantParams) -> None:
        """Bring one input of a node to another grid by a pair of its own."""
        node = self.nodes[name]
        value = node.inputs[index]
        if value is None:
            raise ValueError(f"{name} has no input {index}")
        stem = f"{name}_input_{index}"
        scale, zero_point = self._grid(stem, grid)
        quantize = ir.node("QuantizeLinear", [value, scale, zero_point], name=f"{stem}_quantized")
        codes = self._typed(quantize, f"{stem}_quantized", grid.dtype, value.shape)
        dequantize = ir.node("DequantizeLinear", [codes, scale, zero_point], name=f"{stem}_dequantized")
        real = self._typed(dequantize, f"{stem}_dequantized", "float32", value.shape)
        node.replace_input_with(index, real)
        self.graph.insert_before(node, [quantize, dequantize])

    def finish(self) -> None:
        """Float weights that nothing reads any more go, and a default that ONNX Runtime's fusion chokes on."""
        for node in self.graph:
            # It copies the attribute to QLinearAveragePool, which has none of that name, and refuses its own graph.
            if node.op_type == "AveragePool" and set(node.attributes.get_ints("dilations", ())) == {1}:
                node.attributes.pop("dilations")
        for name, value in list(self.graph.initializers.items()):
            if not value.uses() and not value.is_graph_output():
                del self.graph.initializers[name]

    def _own_name(self, node: ir.Node, index: int, role: str) -> str:
        """The initialiser's name, or one made of the node's where there is none or another layer took it."""
        value = node.inputs[index] if index < len(node.inputs) else None
        if value is None or value.name is None or f"{value.name}_quantized" in self.values:
            return f"{node.name}.{role}"
        return value.name

    def _codes(self, name: str, codes: NDArray[Any], grid: QuantParams, before: ir.Node) -> ir.Value:
        """Codes as an initialiser and the DequantizeLinear that reads them, set before a node."""
        stored = self._initializer(quantized_name(name), codes)
        scale, zero_point = self._grid(name, grid)
        attributes = {} if grid.axis is None else {"axis": grid.axis}
        node = ir.node("DequantizeLinear", [stored, scale, zero_point], attributes, name=f"{name}_dequantized")
        self.graph.insert_before(before, node)
        return self._typed(node, f"{name}_dequantized", "float32", ir.Shape(codes.shape))

    def _grid(self, name: str, grid: QuantParams) -> tuple[ir.Value, ir.Value]:
        shape = (-1,) if grid.per_channel else ()
        scale = self._initializer(f"{name}_scale", grid.scale.reshape(shape))
        return scale, self._initializer(f"{name}_zero_point", grid.zero_point.astype(grid.dtype).reshape(shape))

    def _initializer(self, name: str, array: NDArray[Any]) -> ir.Value:
        tensor = ir.tensor(np.ascontiguousarray(array).reshape(array.shape), name=name)
        value = ir.Value(name=name, shape=ir.Shape(array.shape), type=ir.TensorType(tensor.dtype), const_value=tensor)
        self.graph.register_initializer(value)
        self.values[name] = value
        return value

    def _typed(self, node: ir.Node, name: str, dtype: str, shape: ir.Shape | None) -> ir.Value:
        value = node.outputs[0]
        value.name, value.shape = name, shape
        value.type = ir.TensorType(ir.DataType.from_numpy(np.dtype(dtype)))
        self.values[name] = value
        return value

    def _replace_uses(self, value: ir.Value, by: ir.Value, *, but: ir.Node) -> None:
        for node, index in list(value.uses()):
            if node is not but:
                node.replace_input_with(index, by)
        for index, output in enumerate(self.graph.outputs):
            if output is value:
                self.graph.outputs[index] = by
