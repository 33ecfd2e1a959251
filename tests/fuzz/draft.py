"""A graph while it is drawn: nodes, constants, and for each value its shape and what it is for the drawn inputs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import onnx
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper

from .interval import Array, exactly
from .listing import listing
from .reference import Reference

__all__ = ["Draft", "Drawn", "Grid", "Value"]

Draw = st.DrawFn


@dataclass(frozen=True)
class Grid:
    """Scale and zero point of an activation, per tensor."""

    scale: float
    zero_point: int


@dataclass(frozen=True)
class Value:
    """name: what readers read. sample: what it is, float64. grid: None where it is held in float."""

    name: str
    sample: Array = field(repr=False)
    grid: Grid | None = None

    @property
    def shape(self) -> tuple[int, ...]:
        return tuple(self.sample.shape)

    @property
    def rank(self) -> int:
        return self.sample.ndim


@dataclass(frozen=True)
class Drawn:
    """model: a valid ONNX file. feeds: its inputs. codes: whether it is a QDQ graph."""

    model: onnx.ModelProto
    feeds: dict[str, Array]
    codes: bool

    def __repr__(self) -> str:
        return listing(self.model)


class Draft:
    """Grows by `raw`; `finished` makes the file. dtype: of the codes of activations, None in a float graph."""

    def __init__(self, draw: Draw, codes: bool) -> None:
        self.draw = draw
        # First, so that no two graphs begin alike: hypothesis leads the second of a run away from the first.
        self.rng = np.random.default_rng(draw(st.integers(0, 2**20)))
        self.dtype = self.pick(("int8", "uint8")) if codes else None
        self.opset = 20
        self.nodes: list[onnx.NodeProto] = []
        self.constants: dict[str, Array] = {}
        self.feeds: dict[str, Array] = {}
        self.pool: list[Value] = []
        self.dynamic = False
        self._known = Reference(onnx.GraphProto())
        self._count = 0

    # Choices

    def chance(self, percent: int) -> bool:
        """Shrinks to False."""
        return self.draw(st.integers(0, 99)) >= 100 - percent

    def pick(self, options: Sequence[Any]) -> Any:
        """Shrinks to the first."""
        return options[self.draw(st.integers(0, len(options) - 1))]

    def between(self, low: int, high: int) -> int:
        return self.draw(st.integers(low, high))

    # Constants

    def fresh(self, stem: str) -> str:
        self._count += 1
        return f"{stem}{self._count}"

    def constant(self, array: Any, stem: str = "c") -> str:
        """An initialiser as it is: float32, or whole numbers."""
        name = self.fresh(stem)
        held = np.asarray(array)
        self.constants[name] = held
        self._known.constants[name] = held
        if held.dtype == np.float32:
            self._known.values[name] = exactly(held)
        return name

    def ints(self, values: Any) -> str:
        return self.constant(np.asarray(values, np.int64), "i")

    # Nodes

    def raw(self, op: str, inputs: Sequence[str], outputs: int = 1, **attributes: Any) -> list[Value]:
        """A node whose outputs are float as they come."""
        names = [self.fresh(op.lower()) for _ in range(outputs)]
        return self.named(op, inputs, names, **attributes)

    def named(self, op: str, inputs: Sequence[str], names: Sequence[str], **attributes: Any) -> list[Value]:
        attributes = {key: value for key, value in attributes.items() if value is not None}
        node = helper.make_node(op, list(inputs), list(names), name=f"{names[0]}_node", **attributes)
        made = self._known.apply(node)
        self.nodes.append(node)
        values = []
        for name, interval in zip(names, made, strict=True):
            # Widths are none of the sample's.
            middle = np.round(interval.middle) if op == "QuantizeLinear" else interval.middle
            self._known.values[name] = exactly(middle)
            values.append(Value(name, middle))
        return values

    def value(self, name: str, sample: Array) -> Value:
        self._known.values[name] = exactly(sample)
        return Value(name, np.asarray(sample, np.float64))

    def paired(self, value: Value, grid: Grid) -> Value:
        """QuantizeLinear and DequantizeLinear of `value`."""
        params = self.params(value.name, grid.scale, grid.zero_point, self.dtype or "int8")
        (codes,) = self.named("QuantizeLinear", [value.name, *params], [f"{value.name}_q"])
        (real,) = self.named("DequantizeLinear", [codes.name, *params], [f"{value.name}_dq"])
        return Value(real.name, real.sample, grid)

    def params(self, stem: str, scale: Any, zero_point: Any, dtype: str) -> list[str]:
        found = []
        for what, array in (("scale", np.asarray(scale, np.float32)), ("zero", np.asarray(zero_point, dtype))):
            name = f"{stem}_{what}"
            self.constants[name] = array
            self._known.constants[name] = array
            found.append(name)
        return found

    def coded_constant(self, codes: Array, scale: Any, zero_point: Any, stem: str, axis: int | None = None) -> Value:
        """A constant under a DequantizeLinear."""
        name = self.fresh(stem)
        self.constants[f"{name}_codes"] = codes
        self._known.constants[f"{name}_codes"] = codes
        params = self.params(name, scale, zero_point, str(codes.dtype))
        (made,) = self.named("DequantizeLinear", [f"{name}_codes", *params], [name], axis=axis)
        return made

    # The end

    def finished(self, outputs: Sequence[Value]) -> Drawn:
        def info(name: str, shape: Sequence[int] | None) -> onnx.ValueInfoProto:
            sizes = None if shape is None else list(shape)
            open_batch: Any = ["N", *sizes[1:]] if sizes and self.dynamic else sizes
            return helper.make_tensor_value_info(name, TensorProto.FLOAT, open_batch)

        starts = [info(name, array.shape) for name, array in self.feeds.items()]
        ends = [info(value.name, None if self.dynamic else value.shape) for value in outputs]
        read = {name for node in self.nodes for name in node.input}
        held = [numpy_helper.from_array(array, name) for name, array in self.constants.items() if name in read]
        graph = helper.make_graph(self.nodes, "drawn", starts, ends, held)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", self.opset)], ir_version=9)
        return Drawn(model, dict(self.feeds), self.dtype is not None)
