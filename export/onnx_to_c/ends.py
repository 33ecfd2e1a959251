"""Where real numbers come in and go out: float32 in ONNX's order of axes outside, codes with channels last inside."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

import numpy as np
import onnx_ir as ir

from .listing import Listing, grid, sizes

__all__ = ["INPUT", "OUTPUT", "End", "give_output", "take_input"]

INPUT, OUTPUT = "input", "output"
"""Buffers of all inputs, and of all outputs, one after another."""
_FLOAT_BYTES = 4


@dataclass(frozen=True)
class End:
    """An input or output: float32 of `shape`, ONNX's order. scale, zero_point (int8): the grid it is rounded to, or
    comes from."""

    name: str
    shape: tuple[int, ...]
    scale: float
    zero_point: int

    @property
    def bytes(self) -> int:
        return prod(self.shape) * _FLOAT_BYTES


def _end(write: Listing, value: ir.Value) -> End:
    params = write.params(value)
    return End(value.name or "", sizes(value), float(params.scale[0]), int(params.zero_point[0]))


def _walk(shape: tuple[int, ...]) -> tuple[int, int]:
    """Channels and pixels; what has no channels apart is all pixels."""
    return (shape[1], prod(shape[2:])) if len(shape) >= 3 else (1, prod(shape))


def take_input(write: Listing, values: Sequence[ir.Value]) -> tuple[End, ...]:
    ends = tuple(_end(write, value) for value in values)
    block = write.scratch(sum(end.bytes for end in ends), INPUT)
    offset = 0
    for value, end in zip(values, ends, strict=True):
        source = f"(const float *)({write.again(block)} + {offset})"
        out = write.make(value)
        held = write.layer("grid", grid(write.params(value)))
        write.line("quantize", source, *_walk(end.shape), np.float32(end.scale), f"&{held}", out, told=end.name)
        offset += end.bytes
    return ends


def give_output(write: Listing, values: Sequence[ir.Value]) -> tuple[End, ...]:
    ends = tuple(_end(write, value) for value in values)
    block = write.scratch(sum(end.bytes for end in ends), OUTPUT)
    offset = 0
    for value, end in zip(values, ends, strict=True):
        out = f"(float *)({write.again(block)} + {offset})"
        write.line(
            "dequantize", write.take(value), *_walk(end.shape), np.float32(end.scale), end.zero_point, out,
            told=end.name,
        )  # fmt: skip
        offset += end.bytes
    return ends
