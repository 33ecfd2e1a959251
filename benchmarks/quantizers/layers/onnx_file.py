"""Of an ONNX file, float or QDQ, anybody's: run by ONNX Runtime as it is written, without its optimisations."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    import onnx
    from numpy.typing import NDArray

__all__ = ["layer_names", "layer_outputs", "layer_weights"]

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


def layer_weights(path: Path) -> list[NDArray[np.float32] | None]:
    """What the layers' weights stand for, [C_out, …]; None where they are made in a way that is not known here."""
    import onnx

    graph = onnx.load(path).graph
    return [_weight(graph, node) for node in _layers(graph)]


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


def _weight(graph: onnx.GraphProto, node: onnx.NodeProto) -> NDArray[np.float32] | None:
    import numpy as np
    from onnx import numpy_helper

    tensors = {tensor.name: tensor for tensor in graph.initializer}
    makers = {output: maker for maker in graph.node for output in maker.output}
    name = node.input[1]
    made = makers.get(name)
    if made is None or made.op_type != "DequantizeLinear":
        return _rows(numpy_helper.to_array(tensors[name]), node) if name in tensors else None
    before = makers.get(made.input[0])
    if before is not None and before.op_type == "QuantizeLinear" and before.input[0] in tensors:
        return _rows(numpy_helper.to_array(tensors[before.input[0]]), node)
    if made.input[0] not in tensors:
        return None
    codes, scale = (numpy_helper.to_array(tensors[name]).astype(np.float32) for name in made.input[:2])
    zero = numpy_helper.to_array(tensors[made.input[2]]).astype(np.float32) if len(made.input) > 2 else np.float32(0)
    axis = next((attribute.i for attribute in made.attribute if attribute.name == "axis"), 1)
    shape = [1] * codes.ndim
    if scale.size > 1:
        shape[axis] = -1
    return _rows((codes - np.reshape(zero, shape if np.size(zero) > 1 else ())) * scale.reshape(shape), node)


def _rows(weight: NDArray[Any], node: onnx.NodeProto) -> NDArray[np.float32]:
    """The output channel first."""
    import numpy as np

    transposed = any(attribute.name == "transB" and attribute.i for attribute in node.attribute)
    turned = node.op_type in ("Gemm", "MatMul") and not transposed
    return (weight.T if turned else weight).astype(np.float32)
