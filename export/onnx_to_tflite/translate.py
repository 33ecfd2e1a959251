"""Read an ONNX file, check the whole graph, write a TFLite file."""

from __future__ import annotations

from pathlib import Path

import onnx_ir as ir

from ...errors import ConfigError, InputError, OutputError, Refusal, UnsupportedOps
from ...files import replacing
from ...graph.adopt import adopt, is_quantized
from ...graph.load import load_graph
from ...graph.passes import canonicalize
from ...graph.qdq import QuantizedModel, read_qdq
from .flatbuffer import read_metadata_entries, write_program
from .lower import Planned, lower, plan
from .rows import op_name, support_table
from .writer import Io

__all__ = ["check_tflite", "onnx_to_tflite", "read_metadata", "support_table", "tflite_in_float"]


def onnx_to_tflite(source: Path, destination: Path, *, io: Io = "float") -> None:
    """Translate a float or a QDQ ONNX file to TFLite.

    Scales, zero points and codes are those of the QDQ file, bit for bit; uint8 codes are shifted by 128 to TFLite's
    int8. Inputs and outputs of rank 4 become [N, H, W, C] (metadata `sepia.layouts` says which); a dynamic batch stays
    one. io: "float" quantises inputs and dequantises outputs inside the file; "int8" leaves them as codes where the QDQ
    file has codes.

    Nothing is written unless the whole graph can be. Raises UnsupportedOps with every refusal, ConfigError for
    io="int8" of a file without codes at its ends, OutputError if the file can't be written, and what `load_graph`
    raises.
    """
    quantized = _read(source)
    planned, refusals = plan(quantized)
    if refusals:
        raise UnsupportedOps(str(source), "TFLite", refusals)
    data = _encode(quantized, planned, io, source)
    with replacing(destination) as partial:
        partial.write_bytes(data)


def check_tflite(model: ir.Model | QuantizedModel) -> tuple[Refusal, ...]:
    """Every node of a loaded graph that TFLite refuses, in order; empty if the whole graph can be written."""
    return tuple(plan(model if isinstance(model, QuantizedModel) else _view(model))[1])


def tflite_in_float(model: QuantizedModel) -> tuple[Refusal, ...]:
    """Every step that reads and makes codes and is written in float all the same, with the reason.

    Exact, but no int8: dequantised before and quantised behind, as the QDQ file says it.
    """
    found = ((each, each.row.why_float(each.site)) for each in plan(model)[0])
    return tuple(Refusal(each.site.name, op_name(each.site), reason) for each, reason in found if reason)


def read_metadata(path: Path) -> dict[str, str]:
    """Metadata of a TFLite file that `onnx_to_tflite` wrote: name → text. Raises InputError for any other file."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise InputError(str(path), f"cannot be read: {error.strerror}") from error
    try:
        return read_metadata_entries(data)
    except ValueError as error:
        raise InputError(str(path), f"is not a TFLite file: {error}", accepted="a file written by Sepia") from error


def _read(source: Path) -> QuantizedModel:
    return _view(load_graph(source))


def _view(model: ir.Model) -> QuantizedModel:
    """A float graph is brought into canonical form; a QDQ graph is taken as its quantiser meant it."""
    if is_quantized(model):
        return read_qdq(adopt(model).model)
    return read_qdq(canonicalize(model))


def _encode(quantized: QuantizedModel, planned: list[Planned], io: Io, source: Path) -> bytes:
    graph = quantized.model.graph
    ends = [value.name for value in (*graph.inputs, *graph.outputs)]
    if io == "int8" and not any(name in quantized.params for name in ends):
        raise ConfigError(
            "io", f"'{source.name}' holds no codes at its inputs or outputs", accepted="float", hint="quantise it first"
        )
    try:
        return write_program(lower(quantized, planned, io))
    except OverflowError as error:
        raise OutputError(str(source), str(error)) from error
