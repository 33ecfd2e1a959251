"""Program ↔ the bytes of a .tflite file (schema version 3, identifier TFL3).

Weights are copied as whole arrays, never byte by byte, and each starts on a multiple of 16 bytes from the start of the
file, which is what XNNPACK and CMSIS-NN load without copying. The same program always gives the same bytes.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import Any

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema
from numpy.typing import NDArray

from .program import Operator, Options, Program, Quantization, Tensor
from .versions import lowest_version, min_runtime

__all__ = ["ALIGNMENT_BYTES", "MAX_BYTES", "SIGNATURE", "read_metadata_entries", "read_program", "write_program"]

ALIGNMENT_BYTES = 16
MAX_BYTES = 2**31 - 1
"""Offsets in a flatbuffer are 31 bits wide."""
SIGNATURE = "serving_default"
_RUNTIME_KEY = "min_runtime_version"
_RUNTIME_BYTES = 16  # what TensorFlow's converter reserves, so that its tools can rewrite it in place

_TYPES = {
    "float32": schema.TensorType.FLOAT32,
    "float16": schema.TensorType.FLOAT16,
    "int8": schema.TensorType.INT8,
    "int16": schema.TensorType.INT16,
    "int32": schema.TensorType.INT32,
    "int64": schema.TensorType.INT64,
    "uint8": schema.TensorType.UINT8,
    "bool": schema.TensorType.BOOL,
}
_DTYPES = {code: name for name, code in _TYPES.items()}
_ENUMS = {
    "padding": schema.Padding,
    "fusedActivationFunction": schema.ActivationFunctionType,
    "mode": schema.MirrorPadMode,
}


class _AlignedBuffer(schema.BufferT):  # type: ignore[misc]
    """A buffer whose data start on a multiple of 16 bytes; the generated class leaves them at 4."""

    def Pack(self, builder: Any) -> int:  # noqa: N802 - the generated name
        vector = None
        if self.data is not None:
            count = len(self.data)
            builder.StartVector(1, count, ALIGNMENT_BYTES)
            builder.head = builder.head - count
            builder.Bytes[builder.head : builder.head + count] = self.data
            vector = builder.EndVector()
        schema.BufferStart(builder)
        if vector is not None:
            schema.BufferAddData(builder, vector)
        return int(schema.BufferEnd(builder))


class _Buffers:
    """The file's list of buffers. Number 0 is empty, for every tensor that holds no constant."""

    def __init__(self) -> None:
        self.all: list[Any] = [_AlignedBuffer()]
        self._known: dict[bytes, int] = {}

    def number(self, data: memoryview | bytes) -> int:
        """Index of the buffer with these bytes; the same bytes are written once."""
        if not len(data):
            return 0
        key = bytes(data)
        if key not in self._known:
            self._known[key] = len(self.all)
            buffer = _AlignedBuffer()
            buffer.data = data
            self.all.append(buffer)
        return self._known[key]


def write_program(program: Program) -> bytes:
    """The .tflite file of `program`. Raises OverflowError above 2 GiB."""
    size = sum(tensor.data.nbytes + ALIGNMENT_BYTES for tensor in program.tensors() if tensor.data is not None)
    if size > MAX_BYTES:
        raise OverflowError(f"constants of {size} bytes; a .tflite file holds at most {MAX_BYTES}")
    builder = flatbuffers.Builder(size + 2**16)
    builder.Finish(_model(program).Pack(builder), file_identifier=b"TFL3")
    return bytes(builder.Output())


def _model(program: Program) -> Any:
    buffers = _Buffers()
    tensors = program.tensors()
    index = {id(tensor): number for number, tensor in enumerate(tensors)}
    codes, versions = _codes(program.operators)
    graph = schema.SubGraphT(
        tensors=[_tensor(tensor, buffers) for tensor in tensors],
        inputs=[index[id(tensor)] for tensor in program.inputs.values()],
        outputs=[index[id(tensor)] for tensor in program.outputs.values()],
        operators=[_operator(operator, index, codes) for operator in program.operators],
        name=program.name,
    )
    runtime = min_runtime(dict(versions)).encode().ljust(_RUNTIME_BYTES, b"\0")
    entries = {_RUNTIME_KEY: runtime} | {name: text.encode() for name, text in sorted(program.metadata.items())}
    return schema.ModelT(
        version=3,
        operatorCodes=[_operator_code(op, version) for op, version in versions],
        subgraphs=[graph],
        description="Sepia",
        metadata=[schema.MetadataT(name=name, buffer=buffers.number(data)) for name, data in entries.items()],
        buffers=buffers.all,
        signatureDefs=[_signature(program, index)],
    )


def _codes(operators: Sequence[Operator]) -> tuple[dict[int, int], list[tuple[str, int]]]:
    """Operator → index in the file's list of (op, version): one row an op, at the highest version that it needs.

    Runtimes look an op up by both; one row an op keeps files small and is what TensorFlow's converter writes.
    """
    needed: dict[str, int] = {}
    for operator in operators:
        needed[operator.op] = max(needed.get(operator.op, 1), lowest_version(operator))
    versions = list(needed.items())
    rows = {op: number for number, (op, _) in enumerate(versions)}
    return {id(operator): rows[operator.op] for operator in operators}, versions


def _operator_code(op: str, version: int) -> Any:
    code = getattr(schema.BuiltinOperator, op)
    return schema.OperatorCodeT(deprecatedBuiltinCode=min(code, 127), builtinCode=code, version=version)


def _tensor(tensor: Tensor, buffers: _Buffers) -> Any:
    dynamic = any(size < 0 for size in tensor.shape)
    data = b"" if tensor.data is None else np.ascontiguousarray(tensor.data).reshape(-1).view(np.uint8).data
    return schema.TensorT(
        shape=np.asarray([max(size, 1) if size < 0 else size for size in tensor.shape], np.int32),
        shapeSignature=np.asarray(tensor.shape, np.int32) if dynamic else None,
        type=_TYPES[tensor.dtype],
        buffer=buffers.number(data),
        name=tensor.name,
        quantization=_quantization(tensor.quantization),
    )


def _quantization(grid: Quantization | None) -> Any:
    if grid is None:
        return None
    return schema.QuantizationParametersT(
        scale=np.asarray(grid.scale, np.float32),
        zeroPoint=np.asarray(grid.zero_point, np.int64),
        quantizedDimension=grid.axis,
    )


def _operator(operator: Operator, index: dict[int, int], codes: dict[int, int]) -> Any:
    kind, options = _options(operator.options)
    return schema.OperatorT(
        opcodeIndex=codes[id(operator)],
        inputs=[-1 if tensor is None else index[id(tensor)] for tensor in operator.inputs],
        outputs=[index[id(tensor)] for tensor in operator.outputs],
        builtinOptionsType=kind,
        builtinOptions=options,
    )


def _options(options: Options | None) -> tuple[int, Any]:
    if options is None:
        return schema.BuiltinOptions.NONE, None
    fields = {name: getattr(_ENUMS[name], value) if name in _ENUMS else value for name, value in options.fields.items()}
    return getattr(schema.BuiltinOptions, options.kind), getattr(schema, options.kind + "T")(**fields)


def _signature(program: Program, index: dict[int, int]) -> Any:
    def entries(tensors: dict[str, Tensor]) -> list[Any]:
        return [schema.TensorMapT(name=name, tensorIndex=index[id(tensor)]) for name, tensor in tensors.items()]

    return schema.SignatureDefT(
        inputs=entries(program.inputs), outputs=entries(program.outputs), signatureKey=SIGNATURE, subgraphIndex=0
    )


def read_program(data: bytes) -> Program:
    """What `write_program` wrote. metadata: everything but the runtime version is kept as text."""
    model = schema.ModelT.InitFromPackedBuf(data, 0)
    graph = model.subgraphs[0]
    tensors = [_read_tensor(tensor, model.buffers[tensor.buffer].data) for tensor in graph.tensors]
    program = Program(name=_text(graph.name))
    signature = model.signatureDefs[0]
    program.inputs = {_text(entry.name): tensors[entry.tensorIndex] for entry in signature.inputs}
    program.outputs = {_text(entry.name): tensors[entry.tensorIndex] for entry in signature.outputs}
    names = {code: name for name, code in vars(schema.BuiltinOperator).items() if isinstance(code, int)}
    for operator in graph.operators:
        inputs = [None if number < 0 else tensors[number] for number in operator.inputs]
        outputs = [tensors[number] for number in operator.outputs]
        op = names[model.operatorCodes[operator.opcodeIndex].builtinCode]
        program.add(op, inputs, outputs, _read_options(operator))
    program.metadata = {
        _text(entry.name): bytes(model.buffers[entry.buffer].data).decode()
        for entry in model.metadata or ()
        if _text(entry.name) != _RUNTIME_KEY
    }
    return program


def read_metadata_entries(data: bytes) -> dict[str, str]:
    """Metadata alone, without unpacking the weights: name → text. Raises ValueError for what is no TFLite file."""
    if data[4:8] != b"TFL3":
        raise ValueError("no TFL3 at byte 4")
    try:
        model = schema.Model.GetRootAs(data, 0)
        entries = [model.Metadata(number) for number in range(model.MetadataLength())]
        found = {_text(entry.Name()): model.Buffers(entry.Buffer()).DataAsNumpy() for entry in entries}
        return {name: bytes(text).decode() for name, text in found.items() if name != _RUNTIME_KEY}
    except (struct.error, IndexError, TypeError, UnicodeDecodeError) as error:
        raise ValueError(f"broken off or overwritten ({error})") from error


def _read_tensor(tensor: Any, data: NDArray[np.uint8] | None) -> Tensor:
    shape = tensor.shape if tensor.shapeSignature is None else tensor.shapeSignature
    sizes = tuple(int(size) for size in shape) if shape is not None else ()
    dtype = _DTYPES[tensor.type]
    values = None if data is None else np.frombuffer(bytes(data), dtype).reshape(sizes)
    grid = tensor.quantization
    quantization = None
    if grid is not None and grid.scale is not None and len(grid.scale):
        quantization = Quantization(np.array(grid.scale), np.array(grid.zeroPoint), grid.quantizedDimension)
    return Tensor(_text(tensor.name), sizes, dtype, quantization, values)


def _read_options(operator: Any) -> Options | None:
    """Options that are not the schema's defaults; a newer schema's new fields would else show in every file."""
    options = operator.builtinOptions
    if options is None:
        return None
    defaults = vars(type(options)())
    fields = {name: value for name, value in vars(options).items() if name in _ENUMS or _differs(value, defaults[name])}
    for name, value in fields.items():
        if name in _ENUMS:
            fields[name] = next(key for key, code in vars(_ENUMS[name]).items() if code == value)
        elif isinstance(value, np.ndarray):
            fields[name] = value.tolist()
    return Options(type(options).__name__.removesuffix("T"), fields)


def _differs(value: Any, default: Any) -> bool:
    return isinstance(value, np.ndarray) or bool(value != default)


def _text(value: bytes | str) -> str:
    return value.decode() if isinstance(value, bytes) else value
