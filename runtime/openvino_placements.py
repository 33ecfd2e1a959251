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
_SPLIT = {"WithoutBiases", "WithoutShift", "DequantizationMultiply", "DequantizationSubtract"}


def placements(runtime_model: Any, model: Any) -> list[Placement]:
    """runtime_model: of a compiled model. model: what was compiled. In order of execution, constants left out."""
    names = _FileNames(model)
    ops = runtime_model.get_ordered_ops()
    constant = _constant(ops)
    return [
        _placement(op, names)
        for op in ops
        if op.get_friendly_name() not in constant and _told(op, "layerType") not in _ENDS
    ]


def _told(op: Any, key: str) -> str:
    info = op.get_rt_info()
    return str(info[key].astype(str)) if key in info else ""


def _sources(op: Any) -> list[Any]:
    return [op.input_value(index).get_node() for index in range(op.get_input_size())]


def _constant(ops: Iterable[Any]) -> set[str]:
    """Names of constants and of what is worked out from constants alone."""
    found: set[str] = set()
    for op in ops:
        sources = [source.get_friendly_name() for source in _sources(op)]
        if _told(op, "layerType") == "Const" or (sources and found.issuperset(sources)):
            found.add(op.get_friendly_name())
    return found


def _placement(op: Any, names: _FileNames) -> Placement:
    kind = _told(op, "layerType")
    parts = [part for part in _told(op, "originalLayersNames").split(",") if part]
    converts = kind in _MOVES or not parts or (kind == "Subgraph" and names.all_convert(parts))
    return Placement(
        layer=names.of(parts, op.get_friendly_name()),
        op=kind,
        precision="none" if converts else _PRECISIONS.get(_told(op, "runtimePrecision"), "none"),
        kernel=_told(op, "primitiveType"),
    )


class _FileNames:
    """Which of the names that a runtime layer was made of are the file's, and which of those compute."""

    def __init__(self, model: Any) -> None:
        ops = model.get_ops()
        self._converts = {op.get_friendly_name(): _is_conversion(op) for op in ops}

    def _known(self, parts: Iterable[str]) -> list[str]:
        """Those that the file has, as they are or without what a transformation added."""
        both = ((part, _bare(part)) for part in parts)
        return [name for pair in both for name in dict.fromkeys(pair) if name in self._converts]

    def all_convert(self, parts: Iterable[str]) -> bool:
        """Whether they are QuantizeLinear and DequantizeLinear alone. Parts that the file does not know don't count."""
        known = self._known(parts)
        return bool(known) and all(self._converts[name] for name in known)

    def of(self, parts: Iterable[str], otherwise: str) -> str:
        """The first part that computes, else the first that the file knows, else the runtime's own name."""
        known = self._known(parts)
        computing = [name for name in known if not self._converts[name]]
        return _bare(next(iter(computing or known), otherwise))


def _is_conversion(op: Any) -> bool:
    """QuantizeLinear is read as FakeQuantize and Convert, DequantizeLinear as Convert, Subtract, Multiply."""
    kind = op.get_type_name()
    if kind in ("FakeQuantize", "Convert", "Constant"):
        return True
    first = _sources(op)[0].get_type_name() if op.get_input_size() else ""
    return (kind == "Subtract" and first == "Convert") or (kind == "Multiply" and first in ("Convert", "Subtract"))


def _bare(name: str) -> str:
    """Without what OpenVINO's transformations add to the name of a node that they split in two."""
    head, cut, tail = name.rpartition("/")
    return _bare(head) if cut and tail in _SPLIT else name
