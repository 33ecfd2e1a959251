"""Quantised graphs by the book: a plain view written back with a pair behind each value, and pairs strewn at random."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import onnx
import onnx_ir as ir
from numpy.typing import NDArray
from onnx import helper, numpy_helper
from sepia.graph.qdq import QuantizedModel
from sepia.graph.quantization import QuantParams

__all__ = ["PairStrewer", "codes_in_file", "codes_in_view", "with_pairs"]


def with_pairs(view: QuantizedModel) -> onnx.ModelProto:
    """The view as an ONNX model that computes what the view means: each value held as codes goes through a pair.

    Constants held as codes are dequantised by a node, as in a file: ONNX Runtime sums in another order over weights
    that it knows beforehand.
    """
    proto = ir.to_proto(view.model)
    graph = proto.graph
    constants = {tensor.name for tensor in graph.initializer}
    held = {name: params for name, params in view.params.items() if name not in constants}
    nodes = [_dequantized(graph, name, codes, view.params[name]) for name, codes in view.codes.items()]
    for name in (info.name for info in graph.input):
        if name in held:
            nodes += _pair(graph, name, held[name], name, f"{name}/held")
    outputs = {info.name for info in graph.output}
    for node in graph.node:
        node.input[:] = [f"{name}/held" if name in held and name not in outputs else name for name in node.input]
        made = [name for name in node.output if name in held]
        if node.op_type == "QuantizeLinear":
            node.op_type = "Identity"
        node.output[:] = [f"{name}/float" if name in outputs and name in held else name for name in node.output]
        nodes.append(node)
        for name in made:
            source, result = (f"{name}/float", name) if name in outputs else (name, f"{name}/held")
            nodes += _pair(graph, source, held[name], name, result)
    del graph.node[:]
    del graph.value_info[:]
    graph.node.extend(nodes)
    return proto


def _pair(graph: onnx.GraphProto, source: str, params: QuantParams, name: str, result: str) -> list[onnx.NodeProto]:
    scale, zero = f"{name}/scale", f"{name}/zero"
    shape = (-1,) if params.per_channel else ()
    graph.initializer.append(numpy_helper.from_array(params.scale.reshape(shape), scale))
    graph.initializer.append(numpy_helper.from_array(params.zero_point.astype(params.dtype).reshape(shape), zero))
    axis = {"axis": params.axis} if params.per_channel else {}
    return [
        helper.make_node("QuantizeLinear", [source, scale, zero], [f"{name}/codes"], **axis),
        helper.make_node("DequantizeLinear", [f"{name}/codes", scale, zero], [result], **axis),
    ]


def _dequantized(graph: onnx.GraphProto, name: str, codes: NDArray[Any], params: QuantParams) -> onnx.NodeProto:
    for tensor in graph.initializer:
        if tensor.name == name:
            tensor.CopyFrom(numpy_helper.from_array(codes, f"{name}/codes"))
    pair = _pair(graph, name, params, name, name)
    return pair[1]


def codes_in_view(view: QuantizedModel) -> dict[str, str]:
    """Name of an activation held as codes → name of its codes in `with_pairs(view)`."""
    constants = set(view.model.graph.initializers)
    return {name: f"{name}/codes" for name in view.params if name not in constants}


def codes_in_file(proto: onnx.ModelProto, view: QuantizedModel) -> dict[str, str]:
    """Name of an activation of the view → name of its codes in the QDQ file, where that has them on the same grid."""
    constants = {tensor.name: numpy_helper.to_array(tensor) for tensor in proto.graph.initializer}
    outputs = {info.name for info in proto.graph.output}
    final = {node.input[0]: node.output[0] for node in proto.graph.node if node.op_type == "DequantizeLinear"}
    found = {}
    for node in proto.graph.node:
        if node.op_type != "QuantizeLinear":
            continue
        end = final.get(node.output[0], "")
        name = end if end in outputs else node.input[0]
        scale, zero = (constants[name] for name in node.input[1:])
        held = view.params.get(name)
        grid = (zero.dtype.name, scale.reshape(-1).tolist(), zero.reshape(-1).tolist())
        if held is not None and (held.dtype, held.scale.tolist(), held.zero_point.tolist()) == grid:
            found[name] = node.output[0]
    return found


class PairStrewer:
    """Puts pairs of every sort into a float network, as different quantisers would, drawn from a seed."""

    def __init__(self, proto: onnx.ModelProto, seed: int) -> None:
        self.proto = proto
        self.graph = proto.graph
        self.rng = np.random.default_rng(seed)
        self.count = 0

    def strewn(self) -> onnx.ModelProto:
        constants = {tensor.name for tensor in self.graph.initializer}
        nodes: list[onnx.NodeProto] = []
        renamed: dict[str, list[str]] = {}
        for name in (info.name for info in self.graph.input):
            renamed[name] = self._behind(name, nodes)
        for node in list(self.graph.node):
            node.input[:] = [self._pick(renamed, name) if name not in constants else name for name in node.input]
            if node.op_type in ("Conv", "Gemm"):
                node.input[1] = self._weight(node, nodes)
            nodes.append(node)
            for name in node.output:
                renamed[name] = self._behind(name, nodes)
        for info in self.graph.output:
            end = self._pick(renamed, info.name)
            if end != info.name:
                info.name = end
        del self.graph.node[:]
        del self.graph.value_info[:]
        self.graph.node.extend(nodes)
        return self.proto

    def _pick(self, renamed: dict[str, list[str]], name: str) -> str:
        return str(self.rng.choice(renamed.get(name, [name])))

    def _behind(self, name: str, nodes: list[onnx.NodeProto]) -> list[str]:
        """Names under which readers may take the value: itself, behind one pair, two pairs, a shared Q, or several."""
        sort = self.rng.choice(["none", "one", "one", "one", "mixed", "twice", "chain", "same chain", "shared Q"])
        if sort == "none":
            return [name]
        grid = self._grid()
        first = self._pair(name, grid, nodes)
        more: dict[str, Callable[[], list[str]]] = {
            "one": lambda: [first],
            "mixed": lambda: [first, name],
            "twice": lambda: [first, self._pair(name, self._grid(), nodes)],
            "chain": lambda: [self._pair(first, self._grid(), nodes)],
            "same chain": lambda: [first, self._pair(first, grid, nodes)],
            "shared Q": lambda: [first, self._dequantize(nodes[-1].input[0], grid, nodes)],
        }
        return more[str(sort)]()

    def _grid(self) -> list[str]:
        dtype = self.rng.choice(["int8", "uint8"])
        low, high = np.iinfo(dtype).min, np.iinfo(dtype).max
        zero = self.rng.choice([low, low, int(self.rng.integers(low, high + 1))])
        scale = np.float32(self.rng.choice([0.01, 0.0234, 0.03, 6 / 255]))
        return [self._constant(scale), self._constant(np.array(zero, dtype))]

    def _constant(self, array: NDArray[Any] | np.generic) -> str:
        self.count += 1
        name = f"grid_{self.count}"
        self.graph.initializer.append(numpy_helper.from_array(np.asarray(array), name))
        return name

    def _pair(self, source: str, grid: list[str], nodes: list[onnx.NodeProto]) -> str:
        self.count += 1
        codes = f"{source}_q{self.count}"
        nodes.append(helper.make_node("QuantizeLinear", [source, *grid], [codes], name=codes))
        return self._dequantize(codes, grid, nodes)

    def _dequantize(self, codes: str, grid: list[str], nodes: list[onnx.NodeProto]) -> str:
        self.count += 1
        real = f"{codes}_dq{self.count}"
        nodes.append(helper.make_node("DequantizeLinear", [codes, *grid], [real], name=real))
        return real

    def _weight(self, node: onnx.NodeProto, nodes: list[onnx.NodeProto]) -> str:
        """The weight as it is, as codes under a DequantizeLinear, or as float under a pair; per tensor or channel."""
        name = node.input[1]
        sort = self.rng.choice(["float", "codes", "pair"])
        if sort == "float":
            return name
        array = next(numpy_helper.to_array(tensor) for tensor in self.graph.initializer if tensor.name == name)
        per_channel = bool(self.rng.integers(2))
        around = tuple(range(1, array.ndim)) if per_channel else None
        scale = (np.abs(array).max(around) / 127 + 1e-9).astype(np.float32)
        grid = [self._constant(scale), self._constant(np.zeros(scale.shape, np.int8))]
        if sort == "codes":
            wide = scale.reshape(-1, *[1] * (array.ndim - 1)) if per_channel else scale
            codes = self._constant(np.clip(np.rint(array / wide), -127, 127).astype(np.int8))
        else:
            codes = f"{name}_codes"
            nodes.append(helper.make_node("QuantizeLinear", [name, *grid], [codes], name=codes, axis=0))
        real = f"{name}_real"
        nodes.append(helper.make_node("DequantizeLinear", [codes, *grid], [real], name=real, axis=0))
        return real
