"""Of an ONNX file, float or QDQ, anybody's: run by ONNX Runtime as it is written, without its optimisations."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import onnx
    from numpy.typing import NDArray

__all__ = ["layer_names", "layer_outputs"]

_LAYERS = {"Conv", "ConvTranspose", "Gemm", "MatMul"}
_ACTIVATIONS = {"Relu", "Clip", "LeakyRelu", "HardSwish"}


def layer_names(path: Path) -> list[str]:
    """The nodes' own."""
    import onnx

    return [node.name or node.output[0] for node in _layers(onnx.load(path).graph)]


def layer_outputs(path: Path, photos: NDArray[np.float32]) -> Iterator[list[NDArray[np.float32]]]:
    """photos: [N, 3, H, W] → for each the outputs of all layers."""
    import onnx
    import onnxruntime

    model = onnx.load(path)
    values = [_read_by_the_next(model.graph, node.output[0]) for node in _layers(model.graph)]
    there = {output.name for output in model.graph.output}
    model.graph.output.extend(onnx.ValueInfoProto(name=name) for name in dict.fromkeys(values) if name not in there)
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    for photo in photos:
        yield session.run(values, {name: photo[None]})


def _layers(graph: onnx.GraphProto) -> list[onnx.NodeProto]:
    return [node for node in graph.node if node.op_type in _LAYERS]


def _read_by_the_next(graph: onnx.GraphProto, value: str) -> str:
    """Past activations that alone read it, and past the pair of Q and DQ that it goes through."""
    while True:
        readers = [node for node in graph.node if value in node.input]
        quantised = next((node for node in readers if node.op_type == "QuantizeLinear"), None)
        if len(readers) == 1 and readers[0].op_type in _ACTIVATIONS:
            value = readers[0].output[0]
        elif quantised is not None:
            codes = quantised.output[0]
            value = next(node.output[0] for node in graph.node if node.input and node.input[0] == codes)
        else:
            return value
