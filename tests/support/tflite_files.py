"""Graphs of one op, float and QDQ, translated to TFLite and run beside ONNX Runtime, all in ONNX's order of axes."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from sepia.export.onnx_to_tflite import onnx_to_tflite, read_metadata
from sepia.export.onnx_to_tflite.flatbuffer import read_program
from sepia.export.onnx_to_tflite.program import Program

from support.graphs import run_graph

__all__ = ["Gap", "Net", "gap", "left_over", "operators", "program_of", "run_tflite", "translated"]

Grid = tuple[float, int]
"""Scale, zero point in uint8."""


class Net:
    """A graph of a few nodes. grid: of every activation, (scale, zero point in uint8), or None for a float graph.

    With a grid each value that `node` makes, and each input, gets a QDQ pair; weights of `conv` and the like are held
    as int8 codes, a scale a channel, and their bias as int32.
    """

    def __init__(self, *, grid: Grid | None = None, seed: int = 0, opset: int = 20) -> None:
        self.grid = grid
        self.rng = np.random.default_rng(seed)
        self.opset = opset
        self.nodes: list[onnx.NodeProto] = []
        self.inputs: dict[str, tuple[int | str, ...]] = {}
        self.constants: dict[str, NDArray[Any]] = {}
        self.metadata: dict[str, str] = {}
        self._count = 0

    def input(self, *shape: int | str, name: str = "x", grid: Grid | None = None) -> str:
        self.inputs[name] = shape
        return self.pair(name, grid or self.grid)

    def constant(self, array: Any, *, name: str = "", grid: Grid | None = None) -> str:
        """A constant; in a QDQ graph float32 ones are held as codes if `grid` says how."""
        name = name or f"c{len(self.constants)}"
        if grid is None:
            self.constants[name] = np.asarray(array)
            return name
        scale, zero_point = grid
        codes = np.clip(np.rint(np.asarray(array) / np.float32(scale)) + zero_point, 0, 255).astype(np.uint8)
        self.constants |= {f"{name}_quantized": codes, f"{name}_scale": np.array(scale, np.float32)}
        self.constants[f"{name}_zero_point"] = np.array(zero_point, np.uint8)
        held = [f"{name}_{part}" for part in ("quantized", "scale", "zero_point")]
        self.nodes.append(helper.make_node("DequantizeLinear", held, [name], f"{name}_dq"))
        return name

    def node(
        self,
        op: str,
        sources: Sequence[str],
        *,
        name: str = "",
        grid: Grid | Literal["float"] | None = None,
        outputs: int = 1,
        **attributes: Any,
    ) -> str | list[str]:
        """Any node; its outputs get a pair each, on `grid` or the graph's own ("float": none)."""
        self._count += 1
        base = name or f"{op.lower()}{self._count}"
        made = [base] if outputs == 1 else [f"{base}_{number}" for number in range(outputs)]
        self.nodes.append(helper.make_node(op, list(sources), made, name=f"{base}_node", **attributes))
        chosen = None if grid == "float" else grid or self.grid
        found = [self.pair(value, chosen) for value in made]
        return found[0] if outputs == 1 else found

    def op(self, op: str, sources: Sequence[str], **rest: Any) -> str:
        found = self.node(op, sources, **rest)
        assert isinstance(found, str)
        return found

    def weighted(
        self, op: str, x: str, weight: tuple[int, ...], *, channels: int, axis: int = 0, per_channel: bool = True,
        bias: bool = True, bias_axis: bool = True, spread: float = 1.0, grid: Grid | Literal["float"] | None = None,
        **attributes: Any,
    ) -> str:  # fmt: skip
        """Conv, Gemm, ConvTranspose or MatMul with drawn weights; spread scales them."""
        self._count += 1
        name = f"{op.lower()}{self._count}"
        w = self.rng.normal(0, spread, weight).astype(np.float32)
        b = self.rng.normal(0, spread, channels).astype(np.float32)
        if self.grid is None:
            sources = [x, self.constant(w, name=f"{name}.weight")]
            sources += [self.constant(b, name=f"{name}.bias")] if bias else []
            return self.op(op, sources, name=name, **attributes)
        count = weight[axis] if per_channel else 1
        scale = (self.rng.uniform(0.5, 1.5, count) * spread / 60).astype(np.float32)
        at = [1] * len(weight)
        at[axis] = count
        sources = [x, self._held(f"{name}.weight", np.rint(w / scale.reshape(at)), scale, axis, np.int8)]
        if bias:
            # A transposed convolution in groups has fewer scales than outputs: of each group's, or one a group.
            each = np.tile if axis else np.repeat
            b_scale = np.float32(self.scale_of(x)) * (each(scale, channels // count) if per_channel else scale)
            sources.append(self._held(f"{name}.bias", np.rint(b / b_scale), b_scale, 0, np.int32))
        return self.op(op, sources, name=name, grid=grid, **attributes)

    def _held(self, name: str, codes: NDArray[Any], scale: NDArray[np.float32], axis: int, dtype: Any) -> str:
        limit = 127 if dtype is np.int8 else 2**31 - 1
        squeeze = scale.size == 1
        self.constants[f"{name}_quantized"] = np.clip(codes, -limit, limit).astype(dtype)
        self.constants[f"{name}_scale"] = scale.reshape(()) if squeeze else scale
        self.constants[f"{name}_zero_point"] = np.zeros(() if squeeze else scale.size, dtype)
        held = [f"{name}_{part}" for part in ("quantized", "scale", "zero_point")]
        self.nodes.append(helper.make_node("DequantizeLinear", held, [name], f"{name}_dq", axis=axis))
        return name

    def scale_of(self, dequantized: str) -> float:
        return float(self.constants[dequantized.removesuffix("_dequantized") + "_scale"])

    def pair(self, real: str, grid: Grid | None) -> str:
        if grid is None:
            return real
        scale, zero_point = grid
        self.constants |= {
            f"{real}_scale": np.array(scale, np.float32), f"{real}_zero_point": np.array(zero_point, np.uint8)
        }  # fmt: skip
        params = [f"{real}_scale", f"{real}_zero_point"]
        self.nodes += [
            helper.make_node("QuantizeLinear", [real, *params], [f"{real}_quantized"], f"{real}_q"),
            helper.make_node("DequantizeLinear", [f"{real}_quantized", *params], [f"{real}_dequantized"], f"{real}_dq"),
        ]
        return f"{real}_dequantized"

    def proto(self, *outputs: str) -> onnx.ModelProto:
        starts = [helper.make_tensor_value_info(n, TensorProto.FLOAT, list(s)) for n, s in self.inputs.items()]
        ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in outputs]
        held = [numpy_helper.from_array(array, name) for name, array in self.constants.items()]
        graph = helper.make_graph(self.nodes, "net", starts, ends, held)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", self.opset)], ir_version=9)
        helper.set_model_props(model, self.metadata)
        return onnx.shape_inference.infer_shapes(model, strict_mode=True, data_prop=True)

    def save(self, folder: Path, *outputs: str) -> Path:
        path = folder / "net.onnx"
        path.write_bytes(self.proto(*outputs).SerializeToString())
        return path


def translated(source: Path, io: Literal["float", "int8"] = "float") -> Path:
    """`source` as a TFLite file beside it."""
    destination = source.with_suffix(".tflite")
    onnx_to_tflite(source, destination, io=io)
    return destination


def program_of(path: Path) -> Program:
    return read_program(path.read_bytes())


def operators(net: Net, folder: Path, *outputs: str) -> list[str]:
    """Operators of the translation, in order."""
    return [operator.op for operator in program_of(translated(net.save(folder, *outputs))).operators]


def run_tflite(path: Path, feeds: Mapping[str, NDArray[Any]], *, delegate: bool = True) -> dict[str, NDArray[Any]]:
    """Outputs of LiteRT on one thread; arrays in and out in ONNX's order. delegate: XNNPACK, else built-in kernels."""
    from ai_edge_litert.interpreter import Interpreter, OpResolverType

    kernels = OpResolverType.AUTO if delegate else OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
    interpreter = Interpreter(str(path), experimental_op_resolver_type=kernels, num_threads=1)
    layouts = json.loads(read_metadata(path)["sepia.layouts"])
    runner = interpreter.get_signature_runner("serving_default")
    given = {name: array.transpose(0, 2, 3, 1) if layouts[name] == "NHWC" else array for name, array in feeds.items()}
    found = runner(**given)
    return {name: array.transpose(0, 3, 1, 2) if layouts[name] == "NHWC" else array for name, array in found.items()}


def left_over(path: Path) -> list[str]:
    """Operators that XNNPACK leaves to LiteRT's built-in kernels."""
    from sepia.runtime import RUNTIMES

    with RUNTIMES["litert"].open(path) as session:
        return [placement.op for placement in session.placements() if placement.kernel != "XNNPACK"]


@dataclass(frozen=True)
class Gap:
    """How far LiteRT's outputs are from ONNX Runtime's, which ran with all optimisations off.

    relative: greatest difference over the greatest value of a float graph. lsb: codes apart, by element, of a QDQ
    graph.
    """

    relative: float
    lsb: NDArray[np.int64]

    @property
    def equal(self) -> float:
        return float(np.mean(self.lsb == 0))


def gap(net: Net, folder: Path, *outputs: str, delegate: bool = True, spread: float = 2.0) -> Gap:
    """Save `net`, translate it and run both on normal noise; shapes must agree. spread: of the noise in a float graph.

    Noise for a QDQ graph fills about two thirds of the codes of its grid.
    """
    source = net.save(folder, *outputs)
    rng = np.random.default_rng(1)
    width = spread if net.grid is None else net.grid[0] * 60
    feeds = {
        name: (rng.normal(size=[size if isinstance(size, int) else 2 for size in shape]) * width).astype(np.float32)
        for name, shape in net.inputs.items()
    }
    wanted = run_graph(onnx.load(str(source)), feeds)
    found = run_tflite(translated(source), feeds, delegate=delegate)
    assert {name: array.shape for name, array in found.items()} == {n: a.shape for n, a in wanted.items()}
    relative = max(float(np.abs(found[name] - wanted[name]).max() / np.abs(wanted[name]).max()) for name in wanted)
    codes = [_lsb(found[name], wanted[name], net.scale_of(name)) for name in wanted] if net.grid else []
    return Gap(relative, np.concatenate([array.reshape(-1) for array in codes]) if codes else np.zeros(0, np.int64))


def _lsb(found: NDArray[Any], wanted: NDArray[Any], scale: float) -> NDArray[np.int64]:
    return np.abs(np.rint((found.astype(np.float64) - wanted) / scale)).astype(np.int64)
