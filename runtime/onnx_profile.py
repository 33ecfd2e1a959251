"""ONNX Runtime's profile of one inference, read as placements under the file's own node names."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from .interface import Placement

__all__ = ["read_profile"]

_KERNEL = "_kernel_time"
# What its optimiser adds to a name when it puts a fused or re-laid node in another's place.
_ADDED = re.compile(r"(_token_\d+|_nchwc|_nhwc|_quant|_scale_\w*|_fused\w*)+$")
_CONVERSIONS = {"QuantizeLinear", "DequantizeLinear", "DynamicQuantizeLinear", "Cast"}
_MOVES = {
    "Reshape", "Flatten", "Squeeze", "Unsqueeze", "Transpose", "Concat", "QLinearConcat", "Pad", "Slice", "Split",
    "Identity", "Expand", "Gather", "DepthToSpace", "SpaceToDepth", "ReorderInput", "ReorderOutput", "Shape", "Tile",
}  # fmt: skip
_FLOATS = {"float": "float32", "float16": "float16", "bfloat16": "bfloat16", "double": "float32"}


def read_profile(profile: Path, model: Path) -> list[Placement]:
    """Placements in order of execution, one for each kernel that ran. Q and DQ that stayed apart are "none"."""
    events = json.loads(profile.read_text(encoding="utf-8"))
    kernels = [event for event in events if event.get("cat") == "Node" and event["name"].endswith(_KERNEL)]
    names = _Names(model)
    return [_placement(event, names) for event in kernels]


def _placement(event: dict[str, Any], names: _Names) -> Placement:
    told = event["args"]
    op = told["op_name"]
    return Placement(
        layer=names.of(event["name"].removesuffix(_KERNEL), op),
        op=op,
        precision=_precision(op, told["input_type_shape"]),
        kernel=told.get("provider", ""),
    )


def _precision(op: str, inputs: Iterable[dict[str, list[int]]]) -> str:
    """int8 where any operand is held as 8-bit codes: a fused kernel also reads float scales."""
    if op in _CONVERSIONS or op in _MOVES:
        return "none"
    types = [kind for operand in inputs for kind in operand]
    if "uint8" in types or "int8" in types:
        return "int8"
    return next((_FLOATS[kind] for kind in types if kind in _FLOATS), "none")


class _Names:
    """From a name in the optimised graph to the node of the file: by node name, else by the tensor that it makes."""

    def __init__(self, model: Path) -> None:
        import onnx

        nodes = onnx.load(str(model), load_external_data=False).graph.node
        self._nodes = {node.name: node for node in nodes if node.name}
        self._makers = {output: node for node in nodes for output in node.output}

    def of(self, name: str, op: str) -> str:
        for candidate in (name, _ADDED.sub("", name)):
            if candidate in self._nodes:
                return candidate
            if candidate in self._makers:
                return self._fused_into(self._makers[candidate], op)
        return name

    def _fused_into(self, maker: Any, op: str) -> str:
        """A kernel named for the tensor that it ends in: walk up to the op that it is, past what it absorbed."""
        wanted = op.removeprefix("QLinear").removeprefix("Fused")
        node = maker
        while node.op_type != wanted and node.input and node.input[0] in self._makers:
            node = self._makers[node.input[0]]
        found = node if node.op_type == wanted else maker
        return str(found.name or found.output[0])
