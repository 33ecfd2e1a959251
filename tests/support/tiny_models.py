"""One tiny separable network in every format, float and int8, each written by hand and not by Sepia's exporters.

pointwise 8 → 8, then depthwise 3×3 with zero padding, on 8 channels of 6×6; the int8 ones take and give float.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["TinyModel", "write_onnx", "write_qdq", "write_tflite"]

C, SIZE = 8, 6
Floats = NDArray[np.float32]


@dataclass(frozen=True)
class TinyModel:
    """Weights as ONNX has them: pointwise [C, C, 1, 1], depthwise [C, 1, 3, 3], biases [C]."""

    pointwise: Floats
    pointwise_bias: Floats
    depthwise: Floats
    depthwise_bias: Floats

    @classmethod
    def drawn(cls, seed: int = 0) -> TinyModel:
        rng = np.random.default_rng(seed)

        def draw(*shape: int) -> Floats:
            return rng.uniform(-0.5, 0.5, shape).astype(np.float32)

        return cls(draw(C, C, 1, 1), draw(C), draw(C, 1, 3, 3), draw(C))

    @staticmethod
    def photo(seed: int = 1) -> Floats:
        """An input, [1, C, SIZE, SIZE], in [−1, 1)."""
        return np.random.default_rng(seed).uniform(-1, 1, (1, C, SIZE, SIZE)).astype(np.float32)

    def middle(self, image: Floats) -> Floats:
        mixed = np.einsum("oc,nchw->nohw", self.pointwise[:, :, 0, 0], image)
        return (mixed + self.pointwise_bias[:, None, None]).astype(np.float32)

    def reference(self, image: Floats) -> Floats:
        """What the float network gives, by plain loops. [1, C, SIZE, SIZE]."""
        padded = np.pad(self.middle(image), ((0, 0), (0, 0), (1, 1), (1, 1)))
        out = np.zeros((1, C, SIZE, SIZE), np.float32)
        for row in range(SIZE):
            for column in range(SIZE):
                window = padded[:, :, row : row + 3, column : column + 3]
                out[:, :, row, column] = (window * self.depthwise[:, 0]).sum((2, 3)) + self.depthwise_bias
        return out

    def ranges(self) -> dict[str, tuple[np.float32, int]]:
        """Scale and uint8 zero point of image, middle and result: symmetric about zero, wide enough for `photo()`."""
        image = self.photo()
        tensors = {"image": image, "middle": self.middle(image), "result": self.reference(image)}
        return {name: (np.float32(np.abs(values).max() / 127), 128) for name, values in tensors.items()}


def _per_channel(weight: Floats) -> tuple[NDArray[np.int8], Floats]:
    scale = np.abs(weight).reshape(len(weight), -1).max(1) / 127
    aligned = scale.reshape(-1, *[1] * (weight.ndim - 1))
    return np.rint(weight / aligned).astype(np.int8), scale.astype(np.float32)


def _graph(nodes: list[Any], initializers: dict[str, NDArray[Any]], path: Path, batch: int | str = 1) -> Path:
    import onnx
    from onnx import helper, numpy_helper

    def value(name: str) -> Any:
        return helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, [batch, C, SIZE, SIZE])

    tensors = [numpy_helper.from_array(np.asarray(array), name) for name, array in initializers.items()]
    graph = helper.make_graph(nodes, "tiny", [value("image")], [value("result")], tensors)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)
    onnx.checker.check_model(model, full_check=True)
    onnx.save(model, path)
    return path


def write_onnx(model: TinyModel, path: Path, *, batch: int | str = 1) -> Path:
    """Float ONNX: nodes "mix" and "spread", input "image", output "result". batch: a name leaves it open."""
    from onnx import helper

    nodes = [
        helper.make_node("Conv", ["image", "pw", "pw_b"], ["middle"], name="mix"),
        helper.make_node("Conv", ["middle", "dw", "dw_b"], ["result"], name="spread", group=C, pads=[1, 1, 1, 1]),
    ]
    weights = {"pw": model.pointwise, "pw_b": model.pointwise_bias, "dw": model.depthwise, "dw_b": model.depthwise_bias}
    return _graph(nodes, weights, path, batch)


def write_qdq(model: TinyModel, path: Path, *, activations: str = "uint8") -> Path:
    """QDQ ONNX, as `sepia quantize` lays it out. activations: "uint8" or "int8"."""
    from onnx import helper

    initializers: dict[str, NDArray[Any]] = {}
    nodes: list[Any] = []
    ranges = model.ranges()
    shift = 0 if activations == "uint8" else 128

    def pair(name: str, source: str, target: str) -> None:
        scale, zero = ranges[name]
        initializers[f"{name}_scale"] = np.float32(scale)
        initializers[f"{name}_zero_point"] = np.array(zero - shift, activations)
        ends = [f"{name}_scale", f"{name}_zero_point"]
        nodes.append(
            helper.make_node("QuantizeLinear", [source, *ends], [f"{name}_quantized"], name=f"{name}/quantize")
        )
        nodes.append(
            helper.make_node("DequantizeLinear", [f"{name}_quantized", *ends], [target], name=f"{name}/dequantize")
        )

    def held(name: str, weight: Floats, bias: Floats, source: str) -> list[str]:
        codes, scale = _per_channel(weight)
        bias_scale = (scale * ranges[source][0]).astype(np.float32)
        for key, values, scales in (
            (name, codes, scale),
            (f"{name}_b", np.rint(bias / bias_scale).astype(np.int32), bias_scale),
        ):
            initializers[f"{key}_quantized"] = values
            initializers[f"{key}_scale"] = scales
            initializers[f"{key}_zero_point"] = np.zeros(C, values.dtype)
            ends = [f"{key}_quantized", f"{key}_scale", f"{key}_zero_point"]
            nodes.append(helper.make_node("DequantizeLinear", ends, [key], name=f"{key}/dequantize", axis=0))
        return [name, f"{name}_b"]

    pair("image", "image", "image_dequantized")
    weights = held("pw", model.pointwise, model.pointwise_bias, "image")
    nodes.append(helper.make_node("Conv", ["image_dequantized", *weights], ["middle"], name="mix"))
    pair("middle", "middle", "middle_dequantized")
    weights = held("dw", model.depthwise, model.depthwise_bias, "middle")
    spread = helper.make_node(
        "Conv", ["middle_dequantized", *weights], ["spread_out"], name="spread", group=C, pads=[1, 1, 1, 1]
    )
    nodes.append(spread)
    pair("result", "spread_out", "result")
    return _graph(nodes, initializers, path)


def write_tflite(
    model: TinyModel, path: Path, *, int8: bool = False, ends: str = "float", batch: int | None = 1
) -> Path:
    """TFLite, NHWC. int8: QUANTIZE and DEQUANTIZE at the ends, so that it takes and gives float all the same.

    ends: "int8" leaves those two out: it takes and gives codes. batch: None leaves it open.
    """
    writer = _TFLite(batch)
    options = writer.schema
    weights = (
        (model.pointwise.transpose(0, 2, 3, 1), model.pointwise_bias),
        (model.depthwise.transpose(1, 2, 3, 0), model.depthwise_bias),
    )
    ranges = model.ranges()
    held = ranges if int8 else {}
    float_ends = int8 and ends == "float"
    image = writer.activation("image", None if float_ends else held.get("image"))
    first = image
    if float_ends:
        first = writer.activation("image_codes", ranges["image"])
        writer.op(options.BuiltinOperator.QUANTIZE, [image], first)
    middle = writer.activation("middle", held.get("middle"))
    result = writer.activation("result_codes" if float_ends else "result", held.get("result"))
    steps = (("CONV_2D", first, middle, "image"), ("DEPTHWISE_CONV_2D", middle, result, "middle"))
    for number, (kind, source, target, name) in enumerate(steps):
        made = writer.weights(kind, *weights[number], held[name][0] if int8 else None, number)
        writer.convolution(kind, [source, *made], target)
    if float_ends:
        end = writer.activation("result")
        writer.op(options.BuiltinOperator.DEQUANTIZE, [result], end)
        result = end
    path.write_bytes(writer.finish([image], [result]))
    return path


class _TFLite:
    """A flatbuffer put together tensor by tensor with the schema's object API."""

    def __init__(self, batch: int | None) -> None:
        from ai_edge_litert import schema_py_generated as schema

        self.schema: Any = schema
        self._batch = batch
        self._tensors: list[Any] = []
        self._buffers: list[Any] = [schema.BufferT()]
        self._operators: list[Any] = []
        self._codes: list[Any] = []

    def activation(self, name: str, quantization: tuple[np.float32, int] | None = None) -> int:
        kind = self.schema.TensorType.INT8 if quantization else self.schema.TensorType.FLOAT32
        scale = [float(quantization[0])] if quantization else []
        zero = [quantization[1] - 128] if quantization else []
        return self._tensor(name, (1, SIZE, SIZE, C), kind, None, scale, zero, 0)

    def weights(
        self, kind: str, weight: Floats, bias: Floats, input_scale: np.float32 | None, number: int
    ) -> tuple[int, int]:
        types = self.schema.TensorType
        if input_scale is None:
            return (
                self._tensor(f"w{number}", weight.shape, types.FLOAT32, weight, [], [], 0),
                self._tensor(f"b{number}", bias.shape, types.FLOAT32, bias, [], [], 0),
            )
        axis = 0 if kind == "CONV_2D" else 3
        moved, scale = _per_channel(np.moveaxis(weight, axis, 0))
        codes = np.moveaxis(moved, 0, axis)
        bias_scale = scale * input_scale
        bias_codes = np.rint(bias / bias_scale).astype(np.int32)
        zeros = [0] * C
        return (
            self._tensor(f"w{number}", codes.shape, types.INT8, codes, scale.tolist(), zeros, axis),
            self._tensor(f"b{number}", bias.shape, types.INT32, bias_codes, bias_scale.tolist(), zeros, 0),
        )

    def _tensor(
        self,
        name: str,
        shape: tuple[int, ...],
        kind: int,
        data: NDArray[Any] | None,
        scale: list[float],
        zero: list[int],
        axis: int,
    ) -> int:
        tensor = self.schema.TensorT()
        tensor.name, tensor.shape, tensor.type = name, list(shape), kind
        if data is None and self._batch is None:
            tensor.shapeSignature = [-1, *shape[1:]]
        if data is not None:
            tensor.buffer = len(self._buffers)
            buffer = self.schema.BufferT()
            buffer.data = np.frombuffer(np.ascontiguousarray(data).tobytes(), np.uint8)
            self._buffers.append(buffer)
        if scale:
            tensor.quantization = self.schema.QuantizationParametersT()
            tensor.quantization.scale = np.array(scale, np.float32)
            tensor.quantization.zeroPoint = np.array(zero, np.int64)
            tensor.quantization.quantizedDimension = axis
        self._tensors.append(tensor)
        return len(self._tensors) - 1

    def op(self, code: int, inputs: list[int], output: int, options_type: int = 0, options: Any = None) -> None:
        made = self.schema.OperatorCodeT()
        made.builtinCode = made.deprecatedBuiltinCode = code
        made.version = 3 if code in (3, 4) else 1
        self._codes.append(made)
        operator = self.schema.OperatorT()
        operator.opcodeIndex = len(self._codes) - 1
        operator.inputs, operator.outputs = inputs, [output]
        operator.builtinOptionsType, operator.builtinOptions = options_type, options
        self._operators.append(operator)

    def convolution(self, kind: str, inputs: list[int], output: int) -> None:
        deep = kind == "DEPTHWISE_CONV_2D"
        options = self.schema.DepthwiseConv2DOptionsT() if deep else self.schema.Conv2DOptionsT()
        options.padding = self.schema.Padding.SAME
        options.strideW = options.strideH = options.dilationWFactor = options.dilationHFactor = 1
        if deep:
            options.depthMultiplier = 1
        kinds = self.schema.BuiltinOptions
        self.op(
            getattr(self.schema.BuiltinOperator, kind),
            inputs,
            output,
            kinds.DepthwiseConv2DOptions if deep else kinds.Conv2DOptions,
            options,
        )

    def finish(self, inputs: list[int], outputs: list[int]) -> bytes:
        import flatbuffers

        graph = self.schema.SubGraphT()
        graph.tensors, graph.operators = self._tensors, self._operators
        graph.inputs, graph.outputs, graph.name = inputs, outputs, "tiny"
        model = self.schema.ModelT()
        model.version, model.subgraphs = 3, [graph]
        model.operatorCodes, model.buffers, model.description = self._codes, self._buffers, "tiny"
        builder = flatbuffers.Builder(1024)
        builder.Finish(model.Pack(builder), b"TFL3")
        return bytes(builder.Output())
