"""One place in the graph as the op table sees it: a node, the activation written with it, shapes and scales."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import onnx_ir as ir
from numpy.typing import NDArray

from ...graph.kinds import Kind, kind_of
from ...graph.quantization import QuantParams
from .program import Shape

__all__ = ["Quantized", "Site", "constant", "dims"]


class Quantized(Protocol):
    """What the translator reads: a plain graph, the scales by value name, the codes by initialiser name."""

    @property
    def model(self) -> ir.Model: ...
    @property
    def params(self) -> Mapping[str, QuantParams]: ...
    @property
    def codes(self) -> Mapping[str, NDArray[Any]]: ...


def dims(value: ir.Value) -> Shape:
    """Sizes of `value` in ONNX's order; −1 where the size is a name (the batch). Raises ValueError if unknown."""
    if value.shape is None:
        raise ValueError(f"'{value.name}' has no shape")
    return tuple(size if isinstance(size, int) else -1 for size in value.shape)


def constant(value: ir.Value | None) -> NDArray[Any] | None:
    """The array that an initialiser holds, or None of anything else."""
    if value is None or value.const_value is None:
        return None
    return value.const_value.numpy()


@dataclass(frozen=True, eq=False)
class Site:
    """node: what is lowered. clamp: the Relu or Clip right behind it that becomes its fused activation, if any.

    int8: whether it runs on codes; settled with the row of the op table that lowers it.
    """

    node: ir.Node
    quantized: Quantized
    clamp: ir.Node | None = None
    int8: bool = False

    @property
    def name(self) -> str:
        return self.node.name or self.output.name or self.node.op_type

    @property
    def kind(self) -> Kind:
        return kind_of(self.node)

    @property
    def rank(self) -> int:
        """Rank of the first input: 4 for 2-D convolutions."""
        return len(dims(self.input(0)))

    @property
    def output(self) -> ir.Value:
        """The value that this site makes: the activation's, where one is written with it."""
        return (self.clamp or self.node).outputs[0]

    @property
    def outputs(self) -> tuple[ir.Value, ...]:
        return (self.output,) if self.clamp else tuple(self.node.outputs)

    def input(self, index: int) -> ir.Value:
        value = self.node.inputs[index] if index < len(self.node.inputs) else None
        if value is None:
            raise ValueError(f"'{self.name}' has no input {index}")
        return value

    def has_input(self, index: int) -> bool:
        return index < len(self.node.inputs) and self.node.inputs[index] is not None

    def constant(self, index: int) -> NDArray[Any] | None:
        """Array of a constant input; None where it is left out or computed."""
        return constant(self.node.inputs[index]) if index < len(self.node.inputs) else None

    def params(self, value: ir.Value | int) -> QuantParams | None:
        """Scale and zero point of a value (or of an input, by number); None where it is float."""
        found = self.input(value) if isinstance(value, int) else value
        return self.quantized.params.get(found.name or "")

    def codes(self, index: int) -> NDArray[Any]:
        """Integer codes of a constant input, in the QDQ file's own encoding."""
        return self.quantized.codes[self.input(index).name or ""]

    def integer(self, name: str, default: int = 0) -> int:
        return int(self.node.attributes.get_int(name, default))

    def real(self, name: str, default: float = 0.0) -> float:
        return float(self.node.attributes.get_float(name, default))

    def text(self, name: str, default: str = "") -> str:
        return str(self.node.attributes.get_string(name, default))

    def integers(self, name: str, default: tuple[int, ...] = ()) -> tuple[int, ...]:
        found = self.node.attributes.get_ints(name, None)
        return default if found is None else tuple(int(value) for value in found)

    def axis(self, default: int) -> int:
        """Attribute `axis`, counted from the front."""
        axis = self.integer("axis", default)
        return axis + self.rank if axis < 0 else axis

    def all_quantized(self, inputs: int | None) -> bool:
        """Every one of the first `inputs` inputs (None: of all) and every output is held as codes."""
        read = [value for value in self.node.inputs[:inputs] if value is not None]
        return all(self.params(value) is not None for value in (*read, *self.outputs))

    @property
    def keeps_grid(self) -> bool:
        """Whether the output is held on the grid of input 0, or neither is held as codes."""
        before, after = self.params(0), self.params(self.output)
        if before is None or after is None:
            return before is after
        other = after.as_dtype(before.dtype)
        return np.array_equal(before.scale, other.scale) and np.array_equal(before.zero_point, other.zero_point)

    def clamp_bounds(self) -> tuple[float, float]:
        """What the fused activation clips to, ±inf without one."""
        return bounds(self.clamp) if self.clamp else (-np.inf, np.inf)


def bounds(node: ir.Node) -> tuple[float, float]:
    """Least and greatest output of a Relu or Clip whose bounds are constant. Raises ValueError if they are computed."""
    if node.op_type == "Relu":
        return 0.0, np.inf
    found = []
    for index, default in ((1, -np.inf), (2, np.inf)):
        value = node.inputs[index] if index < len(node.inputs) else None
        array = constant(value)
        if value is not None and array is None:
            raise ValueError(f"bounds of '{node.name}' are computed")
        found.append(default if array is None else float(array.reshape(())))
    return found[0], found[1]
