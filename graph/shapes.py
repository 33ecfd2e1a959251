"""Every value gets a type and a shape, or one clear line says which one cannot."""

from __future__ import annotations

import onnx
import onnx_ir as ir

from ..errors import GraphError

__all__ = ["infer_proto", "infer_shapes", "moves_batch", "static_shape", "unknown_shape"]


def infer_proto(proto: onnx.ModelProto, where: str) -> onnx.ModelProto:
    """`proto` with inferred types and shapes, constants followed through shape arithmetic. Raises GraphError."""
    try:
        return onnx.shape_inference.infer_shapes(proto, check_type=True, strict_mode=True, data_prop=True)
    except onnx.shape_inference.InferenceError as error:
        raise GraphError(where, f"shapes do not fit together ({_line(error)})") from error


def infer_shapes(model: ir.Model) -> None:
    """Fill in, in place, the types and shapes that passes left open; what is known already stays.

    Raises GraphError if two shapes contradict each other.
    """
    if unknown_shape(model.graph) is None:
        return
    inferred = ir.from_proto(infer_proto(ir.to_proto(model), model.graph.name or "graph"))
    known = {value.name: value for node in inferred.graph for value in node.outputs}
    for node in model.graph:
        for value in node.outputs:
            found = known.get(value.name)
            if found is not None and value.shape is None:
                value.shape = found.shape
            if found is not None and value.type is None:
                value.type = found.type


def unknown_shape(graph: ir.Graph) -> ir.Value | None:
    """The first output of a node that lacks a type, a rank, or a fixed length in a direction other than the batch."""
    for node in graph:
        for value in node.outputs:
            if value.name and (value.type is None or value.shape is None or _open(value.shape)):
                return value
    return None


def moves_batch(model: ir.Model, name: str) -> bool:
    """Whether an open batch is all that leaves the shape of the value `name` open: with a batch of one it is known."""
    proto = ir.to_proto(model)
    opened = [info.type.tensor_type.shape.dim[0] for info in proto.graph.input if _opens(info)]
    for dimension in opened:
        dimension.dim_value = 1
    # What was inferred for the open batch would contradict the closed one.
    del proto.graph.value_info[:]
    for output in proto.graph.output:
        output.type.tensor_type.ClearField("shape")
    # Not strictly: what lies behind may want a batch of another size.
    closed = ir.from_proto(onnx.shape_inference.infer_shapes(proto, data_prop=True))
    found = {value.name: value for node in closed.graph for value in node.outputs}.get(name)
    return bool(opened) and found is not None and found.shape is not None and found.shape.is_static()


def _opens(info: onnx.ValueInfoProto) -> bool:
    dimensions = info.type.tensor_type.shape.dim
    return bool(dimensions) and not dimensions[0].HasField("dim_value")


def static_shape(value: ir.Value) -> tuple[int, ...]:
    """The shape of a value of a loaded graph, a dynamic batch counting as 1. Raises GraphError if it is not known."""
    if value.shape is None or _open(value.shape):
        raise GraphError(f"'{value.name}'", "its shape is not known", hint="load the file with load_graph")
    return tuple(size if isinstance(size, int) else 1 for size in value.shape)


def _open(shape: ir.Shape) -> bool:
    return any(not isinstance(size, int) for size in shape[1:])


def _line(error: Exception) -> str:
    return " ".join(str(error).split())[:300]
