"""What the lowerings write with: values in the layout and type that they ask for, operators, constants.

A value is *given* once, by the site that makes it, in some layout, as codes if the QDQ file holds it as codes. Whoever
reads it *takes* it in the layout and type that he needs; a transpose, a DEQUANTIZE or a QUANTIZE is written where the
two differ, once for all takers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np
import onnx_ir as ir
from numpy.typing import NDArray

from ...graph.quantization import QuantParams
from .layout import Perm, as_is, compose, moves_data, permuted
from .program import Options, Program, Quantization, Shape, Tensor
from .site import Quantized, Site, constant, dims

__all__ = ["FLOAT_SUFFIX", "Io", "Writer", "int8_codes", "quantization"]

FLOAT_SUFFIX = "_float"
"""Ends the name of a float tensor whose value the QDQ file holds as codes: its row of the op table has it in float."""

Io = Literal["float", "int8"]

_FUSED = {(0.0, np.inf): "RELU", (0.0, 6.0): "RELU6", (-1.0, 1.0): "RELU_N1_TO_1"}


def quantization(params: QuantParams, axis: int = 0) -> Quantization:
    """TFLite's int8 (or int32) grid of the same reals. axis: of the channels in TFLite's order, where there are any."""
    shifted = params if params.dtype == "int32" else params.as_dtype("int8")
    return Quantization(shifted.scale.astype(np.float32), shifted.zero_point.astype(np.int64), axis)


def int8_codes(codes: NDArray[Any]) -> NDArray[np.int8]:
    """uint8 codes shifted by 128; int8 codes as they are."""
    return codes if codes.dtype == np.int8 else (codes.astype(np.int16) - 128).astype(np.int8)


class Writer:
    """Holds the program under construction. layouts: what `layout.assign` decided for each value."""

    def __init__(self, quantized: Quantized, layouts: Mapping[str, Perm], io: Io) -> None:
        self.program = Program(name=quantized.model.graph.name or "main")
        self._quantized = quantized
        self._layouts = layouts
        self._io = io
        self._home: dict[str, tuple[Tensor, Perm]] = {}
        self._taken: dict[tuple[str, Perm, bool], Tensor] = {}
        self._requantized: dict[tuple[int, float, int], Tensor] = {}

    # Layouts

    def layout(self, value: ir.Value) -> Perm:
        """The layout decided for `value`."""
        return self._layouts.get(value.name or "") or as_is(len(dims(value)))

    def end(self, value: ir.Value) -> Perm:
        """The layout of an input or output of the file: [N, H, W, C] for rank 4, ONNX's own for all others."""
        rank = len(dims(value))
        return self.layout(value) if rank == 4 else as_is(rank)

    def held(self, value: ir.Value) -> Perm:
        """The layout in which `value` was given."""
        home = self._home.get(value.name or "")
        return home[1] if home else self.layout(value)

    # Reading values

    def take(self, value: ir.Value, perm: Perm, *, int8: bool) -> Tensor:
        """`value` in layout `perm`, as codes or as float32."""
        key = (value.name or "", perm, int8)
        if key not in self._taken:
            read = self._constant if self.is_constant(value) else self._fetch
            self._taken[key] = read(value, perm, int8)
        return self._taken[key]

    def operand(self, value: ir.Value, perm: Perm, *, int8: bool) -> Tensor:
        """`value` as an operand of a broadcast whose result has layout `perm`: leading axes of size 1 are added."""
        shape = dims(value)
        missing = len(perm) - len(shape)
        if self.is_constant(value):
            data, grid = self._array(value, int8)
            spread = data.reshape((1,) * missing + shape).transpose(perm)
            return self.program.constant(value.name or "", spread.reshape(1) if data.size == 1 else spread, grid)
        if not missing:
            return self.take(value, perm, int8=int8)
        spread_shape = (1,) * missing + shape
        tensor = self.take(value, as_is(len(shape)), int8=int8)
        return self.rearranged(self.reshaped(tensor, spread_shape), as_is(len(perm)), perm)

    def is_constant(self, value: ir.Value) -> bool:
        return constant(value) is not None

    def codes(self, value: ir.Value) -> NDArray[np.int8]:
        """int8 codes of a constant."""
        return int8_codes(self._quantized.codes[value.name or ""])

    # Writing operators

    def emit(
        self,
        op: str,
        inputs: Sequence[Tensor | None],
        shape: Sequence[int],
        options: Options | None = None,
        *,
        name: str,
        dtype: str,
        grid: Quantization | None = None,
    ) -> Tensor:
        """Write an operator with one output."""
        output = self.program.tensor(name, shape, dtype, grid)
        self.program.add(op, inputs, [output], options)
        return output

    def run(
        self,
        site: Site,
        op: str,
        inputs: Sequence[Tensor | None],
        shape: Sequence[int],
        options: Options | None = None,
        *,
        suffix: str = "",
        grid: Quantization | None = None,
    ) -> Tensor:
        """Write an operator whose output is `site`'s, as codes where it runs in int8 (on `grid`, if given), else float.

        suffix: of the tensor's name, for a step on the way.
        """
        name = (site.output.name or "") + suffix
        if not site.int8:
            return self.emit(op, inputs, shape, options, name=name + self._float_suffix(site), dtype="float32")
        return self.emit(op, inputs, shape, options, name=name, dtype="int8", grid=grid or self.grid(site.output))

    def run_like(self, op: str, inputs: Sequence[Tensor | None], like: Tensor, shape: Shape, name: str) -> Tensor:
        """Write an operator that moves values: the output has the type and grid of `like`."""
        return self.emit(op, inputs, shape, name=name, dtype=like.dtype, grid=like.quantization)

    def finish(self, site: Site, tensor: Tensor, perm: Perm) -> None:
        """Clip what no fused activation could, and give the result."""
        low, high = site.clamp_bounds()
        if self.activation(site) == "NONE":
            tensor = self.clipped(site, tensor, low, high)
        self.give(site.output, tensor, perm)

    def give(self, value: ir.Value, tensor: Tensor, perm: Perm) -> None:
        """`tensor` is `value` in layout `perm`; a float result of a value that is held as codes is quantised."""
        if tensor.dtype == "float32" and value.name in self._quantized.params:
            tensor = self.quantized(tensor, self.grid(value), value.name or "")
        self._home[value.name or ""] = (tensor, perm)

    def activation(self, site: Site) -> str:
        """The fused activation that does what the clamp behind `site` does; NONE if codes saturate there anyway."""
        low, high = site.clamp_bounds()
        if site.int8 and self._saturates(self.grid(site.output), low, high):
            return "NONE"
        return _FUSED.get((low, high), "NONE")

    def clipped(self, site: Site, tensor: Tensor, low: float, high: float) -> Tensor:
        """MAXIMUM and MINIMUM against constants, where they change anything. On codes: exact, clipping is monotonic."""
        for op, bound, infinite in (("MAXIMUM", low, -np.inf), ("MINIMUM", high, np.inf)):
            if bound == infinite:
                continue
            grid = tensor.quantization
            if grid is not None and self._saturates(grid, *((bound, np.inf) if op == "MAXIMUM" else (-np.inf, bound))):
                continue
            limit = self.scalar(f"{site.name}_{op.lower()}", bound, grid)
            options = Options("MaximumMinimumOptions", {})
            name = f"{site.output.name}_{op.lower()}"
            tensor = self.emit(op, [tensor, limit], tensor.shape, options, name=name, dtype=tensor.dtype, grid=grid)
        return tensor

    def reshaped(self, tensor: Tensor, shape: Sequence[int], name: str | None = None) -> Tensor:
        """RESHAPE, or `tensor` itself if it has that shape. One size may be −1, the batch. name: of the result."""
        if tensor.shape == tuple(shape):
            return tensor
        sizes = np.asarray(shape, np.int32)
        options = Options("ReshapeOptions", {"newShape": sizes})
        inputs = [tensor, self.program.constant(f"{tensor.name}_shape", sizes)]
        return self.emit(
            "RESHAPE", inputs, shape, options,
            name=name or f"{tensor.name}_reshaped", dtype=tensor.dtype, grid=tensor.quantization,
        )  # fmt: skip

    def rearranged(self, tensor: Tensor, held: Perm, wanted: Perm) -> Tensor:
        """From layout `held` to layout `wanted`: nothing, a RESHAPE where no data move, or a TRANSPOSE."""
        order = compose(held, wanted)
        shape = permuted(tensor.shape, order)
        if not moves_data(tensor.shape, order):
            return self.reshaped(tensor, shape)
        inputs = [tensor, self.program.constant(f"{tensor.name}_perm", np.asarray(order, np.int32))]
        return self.emit(
            "TRANSPOSE", inputs, shape, Options("TransposeOptions", {}),
            name=f"{tensor.name}_transposed", dtype=tensor.dtype, grid=tensor.quantization,
        )  # fmt: skip

    # Quantisation

    def grid(self, value: ir.Value) -> Quantization:
        """int8 grid of a value that the QDQ file holds as codes."""
        return quantization(self._quantized.params[value.name or ""])

    def quantized(self, tensor: Tensor, grid: Quantization, name: str) -> Tensor:
        """`tensor` on `grid`; itself if it is there. From another int8 grid by way of float, which is exact.

        QUANTIZE from int8 to int8 is one operator less, but XNNPACK carries the ratio of scales in 8 bits (92 to 98 %
        equal codes), and the built-in kernel gave 75 % for ratios below a half.
        """
        if tensor.quantization is not None and tensor.quantization.same_as(grid):
            return tensor
        key = (id(tensor), float(grid.scale[0]), int(grid.zero_point[0]))
        if key not in self._requantized:
            real = tensor if tensor.quantization is None else self.dequantized(tensor, f"{tensor.name}_dequantized")
            options = Options("QuantizeOptions", {})
            out = self.emit("QUANTIZE", [real], real.shape, options, name=name, dtype="int8", grid=grid)
            self._requantized[key] = out
        return self._requantized[key]

    def dequantized(self, tensor: Tensor, name: str) -> Tensor:
        return self.emit(
            "DEQUANTIZE", [tensor], tensor.shape, Options("DequantizeOptions", {}), name=name, dtype="float32"
        )

    def on_grid(self, site: Site, tensor: Tensor) -> Tensor:
        """`tensor` on the grid of `site`'s output, for ops that must not change it (pools, Concat, Pad, …).

        LiteRT's built-in kernels copy codes there without looking at the scales.
        """
        if not site.int8:
            return tensor
        return self.quantized(tensor, self.grid(site.output), f"{tensor.name}_requantized")

    def scalar(self, name: str, real: float, grid: Quantization | None) -> Tensor:
        """A constant [1]: float32, or the code of `real` on `grid`."""
        if grid is None:
            return self.program.constant(name, np.asarray([real], np.float32))
        code = np.clip(np.rint(np.float32(real) / grid.scale) + grid.zero_point, -128, 127).astype(np.int8)
        return self.program.constant(name, code, grid)

    def lowest(self, image: Tensor) -> Tensor:
        """A constant [1] that a maximum never picks: a pad of 0 would win over negative values."""
        if image.quantization is None:
            return self.program.constant("lowest", np.asarray([np.finfo(np.float32).min], np.float32))
        return self.program.constant("lowest_code", np.asarray([-128], np.int8), image.quantization)

    # The graph's ends

    def graph_input(self, value: ir.Value) -> None:
        """Declare an input of the file: [N, H, W, C] for rank 4; float32, or int8 if asked for and held as codes."""
        name, perm = value.name or "", self.end(value)
        shape = permuted(dims(value), perm)
        params = self._quantized.params.get(name)
        if params is not None and self._io == "int8":
            tensor = self.program.tensor(name, shape, "int8", quantization(params))
        else:
            tensor = self.program.tensor(name, shape, "float32")
        self.program.inputs[name] = tensor
        if params is not None:
            tensor = self.quantized(tensor, quantization(params), f"{name}_quantized")
        self._home[name] = (tensor, perm)

    def graph_output(self, value: ir.Value) -> None:
        """Declare an output of the file, which also gets the ONNX output's name."""
        name, perm = value.name or "", self.end(value)
        int8 = self._io == "int8" and name in self._quantized.params
        tensor = self.take(value, perm, int8=int8)
        ends = (*self.program.inputs.values(), *self.program.outputs.values())
        if tensor.data is not None or any(tensor is other for other in ends):
            tensor = self._copied(tensor)
        self.program.outputs[name] = tensor

    def _copied(self, tensor: Tensor) -> Tensor:
        """A RESHAPE to the same shape: an output of a graph is none of its inputs, constants or other outputs."""
        inputs = [tensor, self.program.constant(f"{tensor.name}_shape", np.asarray(tensor.shape, np.int32))]
        return self.run_like("RESHAPE", inputs, tensor, tensor.shape, f"{tensor.name}_out")

    # Inside

    def _fetch(self, value: ir.Value, perm: Perm, int8: bool) -> Tensor:
        tensor, held = self._home[value.name or ""]
        if tensor.dtype == "int8" and not int8:
            return self.dequantized(self.take(value, perm, int8=True), f"{value.name}_dequantized")
        if int8 and tensor.dtype != "int8":
            raise AssertionError(f"'{value.name}' is float and was asked for as codes")
        return self.rearranged(tensor, held, perm)

    def _constant(self, value: ir.Value, perm: Perm, int8: bool) -> Tensor:
        data, grid = self._array(value, int8)
        return self.program.constant(value.name or "", data.transpose(perm), grid)

    def _array(self, value: ir.Value, int8: bool) -> tuple[NDArray[Any], Quantization | None]:
        if int8:
            return self.codes(value), self.grid(value)
        data = constant(value)
        if data is None:
            raise AssertionError(f"'{value.name}' is no constant")
        return data.astype(np.float32), None

    def _float_suffix(self, site: Site) -> str:
        return FLOAT_SUFFIX if site.output.name in self._quantized.params else ""

    @staticmethod
    def _saturates(grid: Quantization, low: float, high: float) -> bool:
        """Whether the ends of int8 clip at least as hard as [low, high]."""
        scale, zero_point = np.float64(grid.scale[0]), int(grid.zero_point[0])
        return bool(np.rint(low / scale) + zero_point <= -128 and np.rint(high / scale) + zero_point >= 127)
