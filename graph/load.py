"""ONNX files in and out: a graph that comes from here has known shapes, float32 values and finite weights."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import onnx_ir as ir
from google.protobuf.message import DecodeError
from onnx import version_converter

from ..errors import GraphError, ModelError, MovedBatch
from ..files import replacing
from .contrib import standard_quantizers
from .edit import constant_of
from .shapes import infer_proto, infer_shapes, moves_batch, unknown_shape
from .widen import widen_to_float32

__all__ = ["NEWEST_OPSET", "OPSET", "check_graph", "has_external_data", "load_graph", "save_graph"]

_CONSTANTS_APART = 4
"""The first version of the file format in which a constant need not be an input too."""
OPSET = 20
"""The opset of a loaded graph whose file has an older one."""
NEWEST_OPSET = 24
"""The newest opset whose meaning the rooms know."""
_OLDEST_OPSET = 7
_ACCEPTED = f"a model of ONNX opset {_OLDEST_OPSET} to {NEWEST_OPSET}"


def load_graph(path: Path) -> ir.Model:
    """Read and check an ONNX file.

    Ensures: default-domain opset in [20, 24] (older ones are converted); model-local functions inlined; values
    float32, int or bool; every shape known, except that the first dimension of the inputs may be dynamic (a batch);
    no zero dimensions; every weight finite and in memory, none of them also an input. Metadata is kept.
    Raises ModelError for a file that can't be read, GraphError for a graph that can't be used.
    """
    where = str(path)
    proto = _decode(path)
    _load_external_data(proto, path)
    _check_proto(proto, where)
    widen_to_float32(proto)
    proto = _to_opset(proto, where)
    standard_quantizers(proto)
    _check_dimensions(proto, where)
    model = ir.from_proto(infer_proto(proto, where))
    model = _plain(model)
    model.ir_version = max(model.ir_version or 0, _CONSTANTS_APART)
    if unknown_shape(model.graph) is not None:
        _compute_shapes(model)
    check_graph(model, where)
    return model


def save_graph(model: ir.Model, path: Path) -> None:
    """Write `model`, weights inside the file; whole or not at all. Raises OutputError if the disk refuses it."""
    with replacing(path) as partial:
        partial.write_bytes(ir.to_proto(model).SerializeToString(deterministic=True))


def has_external_data(path: Path) -> bool:
    """Whether weights lie in files beside this one, which `load_graph` has read."""
    proto = onnx.load(str(path), load_external_data=False)
    return any(tensor.data_location == onnx.TensorProto.EXTERNAL for tensor in proto.graph.initializer)


def check_graph(model: ir.Model, where: str) -> None:
    """Raise GraphError for an unknown or zero-sized shape or a weight that is not finite, naming it."""
    loose = unknown_shape(model.graph)
    if loose is not None:
        node = loose.producer()
        made_by = f"made by '{node.name}' ({node.op_type})" if node is not None else "an input"
        if moves_batch(model, str(loose.name)):
            raise MovedBatch(
                where,
                f"'{loose.name}' ({made_by}) has the open batch behind its first dimension",
                accepted="an open batch that stays in front, or a fixed one",
                hint=f"fix the batch: {_fixing(model, where)}",
            )
        raise GraphError(
            where,
            f"the shape of '{loose.name}' ({made_by}) depends on the data",
            accepted="fixed shapes, only the batch may vary",
            hint="export the model again with a fixed input size",
        )
    for node in model.graph:
        for value in node.outputs:
            _check_finite(str(value.name), value, where)
            if value.name and value.shape is not None and 0 in value.shape.dims:
                raise GraphError(
                    where, f"'{value.name}' (made by '{node.name}', {node.op_type}) is empty: {value.shape}"
                )
    for name, value in model.graph.initializers.items():
        _check_finite(name, value, where)


def _fixing(model: ir.Model, where: str) -> str:
    first = [value.shape[0] for value in model.graph.inputs if value.shape]
    names = {str(size.value) for size in first if isinstance(size, ir.SymbolicDim) and size.value}
    by = f"--dim_param {names.pop()} --dim_value 1" if len(names) == 1 else "--input_name … --input_shape 1,…"
    return f"python -m onnxruntime.tools.make_dynamic_shape_fixed {by} {where} FIXED.onnx"


def _check_finite(name: str, value: ir.Value, where: str) -> None:
    weights = constant_of(value)
    if weights is None or weights.dtype != np.float32:
        return
    # A bound of Clip may well be infinite.
    if np.isnan(weights).any() or (weights.ndim > 0 and np.isinf(weights).any()):
        bad = int(np.size(weights) - np.isfinite(weights).sum())
        raise GraphError(
            where,
            f"initialiser '{name}' has {bad} of {weights.size} values that are NaN or infinite",
            accepted="finite weights",
            hint="load a checkpoint from before the training diverged",
        )


def _decode(path: Path) -> onnx.ModelProto:
    where = str(path)
    if path.is_dir():
        raise ModelError(where, "is a folder", accepted="an ONNX file")
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise ModelError(where, "no such file", accepted="an ONNX file") from None
    except OSError as error:
        raise ModelError(where, f"cannot be read ({error.strerror or error})") from error
    if not content:
        raise ModelError(where, "is empty", accepted="an ONNX file")
    proto = onnx.ModelProto()
    try:
        proto.ParseFromString(content)
    except DecodeError:
        # Field 1 of an ONNX file, its version, comes first from every writer.
        what = "is cut short or damaged" if content[0] == 0x08 else "is not an ONNX file"
        raise ModelError(where, what, accepted=_ACCEPTED) from None
    if not proto.ir_version or not proto.HasField("graph"):
        raise ModelError(where, "is not an ONNX file, or is cut short", accepted=_ACCEPTED)
    return proto


def _load_external_data(proto: onnx.ModelProto, path: Path) -> None:
    try:
        onnx.load_external_data_for_model(proto, str(path.parent))
    except (OSError, ValueError, onnx.checker.ValidationError) as error:
        entries = [entry for tensor in proto.graph.initializer for entry in tensor.external_data]
        missing = sorted({entry.value for entry in entries if entry.key == "location"})
        raise ModelError(
            str(path),
            f"its weights are in another file that cannot be read: {', '.join(missing) or error}",
            hint="put that file beside it, or export with the weights inside",
        ) from error


def _check_proto(proto: onnx.ModelProto, where: str) -> None:
    opset = _opset(proto)
    if not _OLDEST_OPSET <= opset <= NEWEST_OPSET:
        raise ModelError(
            where, f"has opset {opset or 'none'}", accepted=_ACCEPTED, hint="export the model with opset 20"
        )
    if not proto.graph.node:
        raise ModelError(where, "has no nodes", accepted="a network")
    try:
        # The checker wants output shapes in the file, which runtimes don't need.
        open_ended = any(not info.type.tensor_type.HasField("shape") for info in proto.graph.output)
        onnx.checker.check_model(onnx.shape_inference.infer_shapes(proto) if open_ended else proto)
    except onnx.checker.ValidationError as error:
        reason = str(error).strip().splitlines()[0]
        raise ModelError(where, f"is not valid ONNX ({reason})") from error


def _opset(proto: onnx.ModelProto) -> int:
    return next((entry.version for entry in proto.opset_import if entry.domain in ("", "ai.onnx")), 0)


def _to_opset(proto: onnx.ModelProto, where: str) -> onnx.ModelProto:
    opset = _opset(proto)
    if opset >= OPSET:
        return proto
    try:
        converted = version_converter.convert_version(proto, OPSET)
    except (RuntimeError, onnx.version_converter.ConvertError) as error:
        reason = str(error).strip().splitlines()[-1][:200]
        raise GraphError(
            where,
            f"opset {opset} cannot be converted to {OPSET} ({reason})",
            hint=f"export the model with opset {OPSET}",
        ) from error
    # The converter leaves the model's own metadata behind.
    del converted.metadata_props[:]
    converted.metadata_props.extend(proto.metadata_props)
    return converted


def _check_dimensions(proto: onnx.ModelProto, where: str) -> None:
    weights = {tensor.name for tensor in proto.graph.initializer}
    for info in proto.graph.input:
        if info.name in weights:
            continue
        dimensions = info.type.tensor_type.shape.dim
        for index, dimension in enumerate(dimensions):
            fixed = dimension.HasField("dim_value")
            if (not fixed and index > 0) or (fixed and dimension.dim_value <= 0):
                sizes = [str(d.dim_value) if d.HasField("dim_value") else d.dim_param or "?" for d in dimensions]
                raise GraphError(
                    where,
                    f"input '{info.name}' has shape [{', '.join(sizes)}]: dimension {index} is "
                    + ("dynamic" if not fixed else str(dimension.dim_value)),
                    accepted="positive sizes, only the first (the batch) may be dynamic",
                    hint="export the model with a fixed input size",
                )


def _compute_shapes(model: ir.Model) -> None:
    """Arithmetic on constants that shape inference does not follow (torch's older exporter writes pads so)."""
    from .passes.lift_constants import fold_constants, lift_constants
    from .passes.open_batch import reshape_open_batch

    lift_constants(model)
    # Again and again: a shape that becomes known is what the next piece of arithmetic asks for.
    while unknown_shape(model.graph) is not None and (fold_constants(model) | reshape_open_batch(model)):
        for node in model.graph:
            for value in node.outputs:
                # What was made up for a length that nobody knew would contradict the length.
                if value.shape is not None and any(not isinstance(size, int) for size in value.shape[1:]):
                    value.shape = None
        infer_shapes(model)


def _plain(model: ir.Model) -> ir.Model:
    import onnx_ir.passes.common as common

    if model.functions:
        model = common.InlinePass()(model).model
        model = ir.from_proto(infer_proto(ir.to_proto(model), model.graph.name or "graph"))
    return common.RemoveInitializersFromInputsPass()(model).model
