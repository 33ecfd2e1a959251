"""OpenVINO's runtime model, read as placements under the file's own layer names."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from .interface import Placement

__all__ = ["placements"]

_PRECISIONS = {"u8": "int8", "i8": "int8", "f32": "float32", "f16": "float16", "bf16": "bfloat16", "f64": "float32"}
_ENDS = {"Input", "Output", "Const"}
_MOVES = {
    "Reorder", "Reshape", "Transpose", "Concatenation", "Split", "StridedSlice", "Pad", "Gather", "Convert",
    "FakeQuantize", "DepthToSpace", "SpaceToDepth", "Broadcast", "ShapeOf", "Squeeze", "Unsqueeze", "Tile",
}  # fmt: skip
# What QuantizeLinear and DequantizeLinear are read as. A part of the graph made of these alone converts.
_CONVERTING = {
    "FakeQuantize",
    "Convert",
    "Subtract",
    "Multiply",
    "Constant",
    "Reshape",
    "Round",
    "Clamp",
    "Add",
    "Divide",
}


def placements(runtime_model: Any, model: Any) -> list[Placement]:
    """runtime_model: of a compiled model. model: what was compiled. In order of execution, constants left out."""
    types = {op.get_friendly_name(): op.get_type_name() for op in model.get_ops()}
    ops = runtime_model.get_ordered_ops()
    constant = _constant(ops)
    return [
        _placement(op, types)
        for op in ops
        if op.get_friendly_name() not in constant and _told(op, "layerType") not in _ENDS
    ]


def _told(op: Any, key: str) -> str:
    info = op.get_rt_info()
    return str(info[key].astype(str)) if key in info else ""


def _constant(ops: Iterable[Any]) -> set[str]:
    """Names of constants and of what is worked out from constants alone."""
    found: set[str] = set()
    for op in ops:
        sources = [op.input_value(index).get_node().get_friendly_name() for index in range(op.get_input_size())]
        if _told(op, "layerType") == "Const" or (sources and found.issuperset(sources)):
            found.add(op.get_friendly_name())
    return found


def _placement(op: Any, types: dict[str, str]) -> Placement:
    kind = _told(op, "layerType")
    parts = [part for part in _told(op, "originalLayersNames").split(",") if part]
    return Placement(
        layer=_layer(op.get_friendly_name(), parts, types),
        op=kind,
        precision="none" if _converts(kind, parts, types) else _PRECISIONS.get(_told(op, "runtimePrecision"), "none"),
        kernel=_told(op, "primitiveType"),
    )


def _layer(name: str, parts: list[str], types: dict[str, str]) -> str:
    """The first part that the file knows and that computes, else the first that it knows, else its own name.

    Its transformations call a convolution 'name/WithoutBiases' or 'name/DequantizationMultiply'.
    """
    known = [
        part for part in (part.partition("/")[0] if part not in types else part for part in parts) if part in types
    ]
    computing = [part for part in known if types[part] not in _CONVERTING]
    return next(iter(computing or known), name)


def _converts(kind: str, parts: list[str], types: dict[str, str]) -> bool:
    if kind in _MOVES or not parts:
        return True
    found = {types[part] for part in parts if part in types}
    return kind == "Subgraph" and bool(found & {"FakeQuantize", "Convert"}) and found <= _CONVERTING
