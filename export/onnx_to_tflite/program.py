"""A TFLite program in memory: tensors, operators, inputs and outputs, before they become a flatbuffer.

The classes say what schema.fbs says, in names of our own and with NumPy arrays, so that the lowerings know nothing of
flatbuffers and a test can compare two programs as text.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Operator", "Options", "Program", "Quantization", "Shape", "Tensor"]

Shape = tuple[int, ...]
"""Sizes in TFLite's order of axes; −1 is a batch that is chosen when the file is loaded."""


@dataclass(frozen=True, eq=False)
class Quantization:
    """real = scale · (code − zero_point). scale: float32 [1] or [C]. zero_point: int64, same shape. axis: of C."""

    scale: NDArray[np.float32]
    zero_point: NDArray[np.int64]
    axis: int = 0

    @property
    def per_channel(self) -> bool:
        return self.scale.size > 1

    def same_as(self, other: Quantization | None) -> bool:
        """Bit for bit the same grid."""
        return (
            other is not None
            and np.array_equal(self.scale, other.scale)
            and np.array_equal(self.zero_point, other.zero_point)
            and (not self.per_channel or self.axis == other.axis)
        )

    def __str__(self) -> str:
        if self.per_channel:
            return f"[{self.scale.size} scales on axis {self.axis}]"
        return f"[{float(self.scale[0]):.6g}, {int(self.zero_point[0])}]"


@dataclass(eq=False)
class Tensor:
    """dtype: NumPy's name ("float32", "int8", "int32", …). data: of a constant, in the tensor's own shape."""

    name: str
    shape: Shape
    dtype: str
    quantization: Quantization | None = None
    data: NDArray[Any] | None = None

    def __str__(self) -> str:
        sizes = "×".join("N" if size < 0 else str(size) for size in self.shape)
        return f"{self.name}:{self.dtype}[{sizes}]" + (str(self.quantization) if self.quantization else "")


@dataclass(frozen=True)
class Options:
    """An operator's table of options. kind: "Conv2DOptions". fields: by the schema's names; enums by their names."""

    kind: str
    fields: Mapping[str, Any]

    def __str__(self) -> str:
        return ", ".join(f"{name}={value}" for name, value in self.fields.items())


@dataclass(eq=False)
class Operator:
    """op: name in BuiltinOperator. inputs: None where an optional one is left out."""

    op: str
    inputs: tuple[Tensor | None, ...]
    outputs: tuple[Tensor, ...]
    options: Options | None = None

    def __str__(self) -> str:
        inputs = ", ".join("-" if tensor is None else str(tensor) for tensor in self.inputs)
        outputs = ", ".join(str(tensor) for tensor in self.outputs)
        return f"{self.op}({inputs}) -> {outputs}" + (f" {{{self.options}}}" if self.options else "")


@dataclass(eq=False)
class Program:
    """One subgraph. inputs, outputs: the signature's name (ONNX's) → tensor, in order. metadata: name → UTF-8 text."""

    name: str = "main"
    inputs: dict[str, Tensor] = field(default_factory=dict)
    outputs: dict[str, Tensor] = field(default_factory=dict)
    operators: list[Operator] = field(default_factory=list)
    metadata: dict[str, str] = field(default_factory=dict)
    _names: dict[str, int] = field(default_factory=dict, repr=False)
    _constants: dict[bytes, Tensor] = field(default_factory=dict, repr=False)

    def tensor(self, name: str, shape: Sequence[int], dtype: str, quantization: Quantization | None = None) -> Tensor:
        """A new tensor whose name nobody else has: `name`, or `name_1`, `name_2`, … where it is taken."""
        return Tensor(self.free_name(name), tuple(shape), dtype, quantization)

    def constant(self, name: str, data: NDArray[Any], quantization: Quantization | None = None) -> Tensor:
        """The tensor that holds `data`; the same one for the same type, shape, quantisation and bytes."""
        data = np.ascontiguousarray(data).reshape(data.shape)
        key = _digest(data, quantization)
        if key not in self._constants:
            self._constants[key] = Tensor(self.free_name(name), data.shape, data.dtype.name, quantization, data)
        return self._constants[key]

    def add(
        self, op: str, inputs: Sequence[Tensor | None], outputs: Sequence[Tensor], options: Options | None = None
    ) -> None:
        self.operators.append(Operator(op, tuple(inputs), tuple(outputs), options))

    def tensors(self) -> list[Tensor]:
        """Every tensor once: inputs, then in the order of use, then outputs that nothing writes."""
        found: dict[int, Tensor] = {id(tensor): tensor for tensor in self.inputs.values()}
        for operator in self.operators:
            for tensor in (*operator.inputs, *operator.outputs):
                if tensor is not None:
                    found.setdefault(id(tensor), tensor)
        for tensor in self.outputs.values():
            found.setdefault(id(tensor), tensor)
        return list(found.values())

    def listing(self) -> str:
        """One line an operator: what tests keep as text."""
        lines = [f"input {name} = {tensor}" for name, tensor in self.inputs.items()]
        lines += [str(operator) for operator in self.operators]
        lines += [f"output {name} = {tensor.name}" for name, tensor in self.outputs.items()]
        return "\n".join(lines) + "\n"

    def free_name(self, name: str) -> str:
        """`name`, or `name_1`, `name_2`, … where a tensor has it; nobody else gets it from now on."""
        count = self._names.get(name, 0)
        self._names[name] = count + 1
        return self.free_name(f"{name}_{count}") if count else name


def _digest(data: NDArray[Any], quantization: Quantization | None) -> bytes:
    digest = hashlib.blake2b(f"{data.dtype.name}{data.shape}".encode(), digest_size=16)
    if quantization is not None:
        digest.update(str(quantization.axis).encode())
        digest.update(quantization.scale.tobytes())
        digest.update(quantization.zero_point.tobytes())
    digest.update(data.reshape(-1).view(np.uint8).data if data.size else b"")
    return digest.digest()
