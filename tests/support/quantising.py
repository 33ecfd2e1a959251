"""Quantises small networks in tests, and looks at what ONNX Runtime makes of the file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray
from onnx import numpy_helper
from sepia.inputs.calibration import CalibrationData
from sepia.quantize.quantize import quantize
from sepia.quantize.recipes import RECIPES, Recipe
from sepia.quantize.summary import Quantization

from .graphs import NetBuilder

__all__ = ["Quantised", "int8_kernels", "normal_data", "quantised", "with_values"]

Arrays = dict[str, NDArray[np.float32]]


def normal_data(shapes: dict[str, tuple[int, ...]], count: int = 8, *, seed: int = 1) -> CalibrationData:
    """Samples of normal values, the same each time they are gone through."""

    def samples() -> Iterator[Arrays]:
        rng = np.random.default_rng(seed)
        for _ in range(count):
            yield {name: rng.normal(0, 1, shape).astype(np.float32) for name, shape in shapes.items()}

    return CalibrationData("normal values", False, count, samples)


class Quantised:
    """A network quantised in a test: the float file, the QDQ file, what `quantize` said, the data it saw."""

    def __init__(self, source: Path, path: Path, summary: Quantization, data: CalibrationData) -> None:
        self.source = source
        self.path = path
        self.summary = summary
        self.data = data
        self.graph = onnx.load(str(path)).graph

    def initializer(self, name: str) -> NDArray[Any]:
        return next(numpy_helper.to_array(tensor) for tensor in self.graph.initializer if tensor.name == name)

    def scale(self, tensor: str) -> float:
        return float(self.initializer(f"{tensor}_scale"))

    def zero_point(self, tensor: str) -> int:
        return int(self.initializer(f"{tensor}_zero_point"))

    def sample(self) -> Arrays:
        return next(iter(self.data))


def quantised(
    net: NetBuilder | onnx.ModelProto,
    folder: Path,
    *outputs: str,
    data: CalibrationData | None = None,
    recipe: Recipe | str = "fast",
    **options: Any,
) -> Quantised:
    """Quantise a network, by default on normal values. outputs: of a NetBuilder; by default its last node's."""
    proto = net if isinstance(net, onnx.ModelProto) else net.proto(*(outputs or (net.nodes[-1].output[0],)))
    source, path = folder / "float.onnx", folder / "int8.onnx"
    source.write_bytes(proto.SerializeToString())
    if data is None:
        shapes = {i.name: tuple(d.dim_value or 1 for d in i.type.tensor_type.shape.dim) for i in proto.graph.input}
        data = normal_data(shapes)
    chosen = RECIPES[recipe] if isinstance(recipe, str) else recipe
    return Quantised(source, path, quantize(source, path, data, chosen, **options), data)


def int8_kernels(path: Path, folder: Path) -> list[str]:
    """One line a node of the graph that ONNX Runtime really runs, in order: the op and its first output."""
    options = _options()
    optimised = folder / "optimised.onnx"
    options.optimized_model_filepath = str(optimised)
    # The next level rewrites layouts, differently on each processor.
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_EXTENDED
    onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    return [f"{node.op_type} {node.output[0]}" for node in onnx.load(str(optimised)).graph.node]


def with_values(path: Path, values: Sequence[str], feeds: Arrays) -> dict[str, NDArray[Any]]:
    """Run an ONNX file and return inner values as well."""
    proto = onnx.load(str(path))
    have = {info.name for info in proto.graph.output}
    proto.graph.output.extend(onnx.ValueInfoProto(name=name) for name in values if name not in have)
    session = onnxruntime.InferenceSession(proto.SerializeToString(), _options(), providers=["CPUExecutionProvider"])
    return dict(zip(values, session.run(list(values), feeds), strict=True))


def _options() -> onnxruntime.SessionOptions:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    options.add_session_config_entry("session.x64quantprecision", "1")
    return options
