"""Factors of channels, put into the weights around a stream."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import onnx_ir as ir
from numpy.typing import NDArray

from ...graph.edit import add_initializer, constant_of
from ..read_layer import in_file_layout
from .streams import Stream

__all__ = ["LayerArrays", "read_arrays", "rescale", "write_arrays"]

Floats = NDArray[np.float64]


class LayerArrays:
    """Weights and bias of one layer in float64, to be changed in place.

    weight: [C_out, C_in/group, *kernel] whatever the file's layout. bias: [C_out]. All changes are rounded to float32
    once, when they are written back.
    """

    def __init__(self, node: ir.Node) -> None:
        weight = constant_of(node.inputs[1])
        if weight is None:
            raise ValueError(f"{node.name} has no constant weights")
        bias = constant_of(node.inputs[2] if len(node.inputs) > 2 else None)
        self.op = node.op_type
        self.group = node.attributes.get_int("group", 1)
        self.weight: Floats = in_file_layout(node.op_type, weight, self.group).astype(np.float64)
        self.bias: Floats = np.zeros(len(self.weight))
        if bias is not None:
            self.bias += bias.reshape(-1)

    def divide_outputs(self, scale: Floats) -> None:
        """Output channel c by scale[c], [C_out]."""
        self.weight /= scale.reshape(-1, *[1] * (self.weight.ndim - 1))
        self.bias /= scale

    def multiply_inputs(self, scale: Floats) -> None:
        """Weights that read channel c by scale[c], [C_in]."""
        per_group = self.weight.shape[1]
        wide = scale.reshape(self.group, 1, per_group, *[1] * (self.weight.ndim - 2))
        grouped = self.weight.reshape(self.group, -1, per_group, *self.weight.shape[2:])
        self.weight = (grouped * wide).reshape(self.weight.shape)

    def add_constant(self, constant: Floats) -> None:
        """What the layer puts out for `constant` [C_in] at every position is added to its bias."""
        per_group = self.weight.shape[1]
        grouped = self.weight.reshape(self.group, -1, per_group, int(np.prod(self.weight.shape[2:])))
        self.bias += np.einsum("goit,gi->go", grouped, constant.reshape(self.group, per_group)).reshape(-1)

    def output_ranges(self) -> Floats:
        """max |w| of each output channel, [C_out]."""
        ranges: Floats = np.abs(self.weight).reshape(len(self.weight), -1).max(axis=1)
        return ranges

    def input_ranges(self) -> Floats:
        """max |w| of the weights that read each input channel, [C_in]."""
        per_group = self.weight.shape[1]
        grouped = np.abs(self.weight).reshape(self.group, -1, per_group, int(np.prod(self.weight.shape[2:])))
        ranges: Floats = grouped.max(axis=(1, 3)).reshape(-1)
        return ranges


def read_arrays(model: ir.Model, names: Iterable[str]) -> dict[str, LayerArrays]:
    """The layers called `names`."""
    wanted = set(names)
    return {node.name or "": LayerArrays(node) for node in model.graph if node.name in wanted}


def write_arrays(model: ir.Model, arrays: dict[str, LayerArrays]) -> None:
    """Put changed weights and biases into `model`, in place; what another layer reads too stays as it is there."""
    for node in model.graph:
        found = arrays.get(node.name or "")
        if found is None:
            continue
        weight = in_file_layout(node.op_type, found.weight, found.group).astype(np.float32)
        _replace(model.graph, node, 1, weight, "weight")
        if found.bias.any() or (len(node.inputs) > 2 and node.inputs[2] is not None):
            _replace(model.graph, node, 2, found.bias.astype(np.float32), "bias")


def _replace(graph: ir.Graph, node: ir.Node, index: int, array: NDArray[np.float32], role: str) -> None:
    if index >= len(node.inputs):
        node.resize_inputs(index + 1)
    old = node.inputs[index]
    node.replace_input_with(index, None)
    name = f"{node.name}.{role}"
    if old is not None and not old.uses() and not old.is_graph_output():
        name = old.name or name
        graph.initializers.pop(name, None)
    node.replace_input_with(index, add_initializer(graph, name, array))


def rescale(model: ir.Model, factors: Iterable[tuple[Stream, Floats]]) -> ir.Model:
    """A copy of `model` whose streams carry x[c] / s[c] for each (stream, s [C]) given; every s is > 0.

    Writers are divided, readers multiplied. The outputs are the same but for float32 rounding, as long as no Clip of a
    stream comes to clip what it did not, or no longer clips what it did.
    """
    chosen = list(factors)
    copy = model.clone()
    arrays = read_arrays(copy, (name for stream, _ in chosen for name in (*stream.writers, *stream.readers)))
    for stream, scale in chosen:
        if not (np.isfinite(scale) & (scale > 0.0)).all():
            raise ValueError(f"factors of {stream.values[0]} are not all positive")
        for name in stream.writers:
            arrays[name].divide_outputs(scale)
        for name in stream.readers:
            arrays[name].multiply_inputs(scale)
    write_arrays(copy, arrays)
    return copy
