"""What the lowerings write into: layers and calls as C text, constants, and buffers whose place is found at the end."""

from __future__ import annotations

import re
from collections.abc import Iterable

import numpy as np
import onnx_ir as ir
from numpy.typing import NDArray

from ...graph.quantization import QuantParams
from ..onnx_to_tflite.layout import Perm, as_is, channels_last, permuted
from ..onnx_to_tflite.site import Quantized, Site, dims
from .arena import Buffer
from .blob import Blob

__all__ = ["Listing", "grid", "held_order", "initializer", "sizes"]

_MAGIC_BITS = 0x4B400000
"""Of 1.5 · 2^23, see `kernels/base.c`."""


def sizes(value: ir.Value) -> tuple[int, ...]:
    """Shape in ONNX's order, a batch left open being one sample."""
    return tuple(abs(size) for size in dims(value))


def held_order(rank: int) -> Perm:
    """In which order axes lie in memory: channels last where there are any."""
    return channels_last(rank) if rank >= 3 else as_is(rank)


def initializer(*parts: object) -> str:
    """ "{1, 2, {3, 4}}" of numbers, C expressions and sequences of them; floats are told bit for bit."""
    return "{" + ", ".join(map(_said, parts)) + "}"


def _said(part: object) -> str:
    if isinstance(part, str):
        return part
    if isinstance(part, float | np.floating):
        return f"{float(part).hex()}f"
    if isinstance(part, Iterable):
        return initializer(*part)
    return str(int(part))  # type: ignore[call-overload]


def grid(params: QuantParams, low: float = -np.inf, high: float = np.inf) -> str:
    """struct grid: codes of `params` clipped to the reals [low, high]."""
    held = params.as_dtype("int8")
    zero = int(held.zero_point[0])
    bounds = (_MAGIC_BITS + held.code_of(bound) - zero for bound in (low, high))
    return initializer(*bounds, zero - _MAGIC_BITS)


class Listing:
    """One translation under way. `layers` and `calls`: lines of C, in order."""

    def __init__(self, quantized: Quantized) -> None:
        self.quantized = quantized
        self.blob = Blob()
        self.layers: list[str] = []
        self.calls: list[str] = []
        self.buffers: list[Buffer] = []
        self._places: dict[str, Buffer] = {}

    def params(self, value: ir.Value) -> QuantParams:
        """The grid of a value that is held as codes, in int8."""
        return self.quantized.params[value.name or ""].as_dtype("int8")

    def held(self, value: ir.Value) -> tuple[int, ...]:
        """Sizes in the order in which they lie."""
        shape = sizes(value)
        return permuted(shape, held_order(len(shape)))

    def take(self, value: ir.Value) -> str:
        """Where the codes of `value` lie, for the step that is being written."""
        name = value.name or ""
        if name in self.quantized.codes:
            return self.blob.add(self.constant(value))
        buffer = self._places[name]
        buffer.last = max(buffer.last, len(self.calls))
        return buffer.name

    def constant(self, value: ir.Value) -> NDArray[np.int8]:
        """int8 codes of an 8-bit constant, in the order in which activations lie."""
        codes = self.quantized.codes[value.name or ""]
        shifted = codes if codes.dtype == np.int8 else (codes.astype(np.int16) - 128).astype(np.int8)
        return np.ascontiguousarray(shifted.transpose(held_order(shifted.ndim)))

    def make(self, value: ir.Value) -> str:
        """A place for the codes of `value`, from the step that is being written on."""
        buffer = self._buffer(value.name or "value", int(np.prod(sizes(value), dtype=np.int64)))
        self._places[value.name or ""] = buffer
        return buffer.name

    def alias(self, value: ir.Value, source: ir.Value) -> None:
        """`value` is `source` under another name or shape."""
        if source.name in self.quantized.codes:
            self._step(f"memcpy({self.make(value)}, {self.take(source)}, {int(np.prod(sizes(value)))});")
        else:
            self._places[value.name or ""] = self._places[source.name or ""]

    def scratch(self, size: int, name: str = "scratch") -> str:
        """Bytes for the step that is being written alone."""
        return self._buffer(name, size).name

    def again(self, name: str) -> str:
        """A buffer that an earlier call of this same node made."""
        for buffer in self.buffers:
            if buffer.name == name:
                buffer.last = max(buffer.last, len(self.calls))
        return name

    def layer(self, struct: str, text: str) -> str:
        """A constant struct for the step that is being written; its name."""
        name = f"layer_{len(self.layers)}"
        self.layers.append(f"static const struct {struct} {name} = {text};")
        return name

    def array(self, struct: str, elements: Iterable[str]) -> str:
        name = f"layer_{len(self.layers)}"
        self.layers.append(f"static const struct {struct} {name}[] = {initializer(*elements)};")
        return name

    def call(self, site: Site, function: str, *arguments: object) -> None:
        """The step itself, which ends it."""
        self.line(function, *arguments, told=f"{site.name} ({site.node.op_type})")

    def line(self, function: str, *arguments: object, told: str) -> None:
        """As `call`, of what is no node. told: what a reader of the C file sees beside it."""
        self._step(f"{function}({', '.join(map(_said, arguments))}); /* {told.replace('*/', '* /')} */")

    def _step(self, line: str) -> None:
        self.calls.append(line)

    def _buffer(self, name: str, size: int) -> Buffer:
        place = len(self.calls)
        buffer = Buffer(f"b{len(self.buffers)}_{re.sub(r'[^A-Za-z0-9]+', '_', name)}", size, place, place)
        self.buffers.append(buffer)
        return buffer
