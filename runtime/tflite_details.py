"""What a TFLite interpreter tells of its tensors and ops, read alike for LiteRT and for tflite-runtime."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from .interface import Placement, TensorInfo

__all__ = ["placements", "tensor_info"]

_CONVERSIONS = {"QUANTIZE", "DEQUANTIZE", "CAST"}
_MOVES = {
    "RESHAPE", "SQUEEZE", "EXPAND_DIMS", "TRANSPOSE", "CONCATENATION", "PAD", "PADV2", "MIRROR_PAD", "SLICE",
    "STRIDED_SLICE", "SPLIT", "SPLIT_V", "GATHER", "DEPTH_TO_SPACE", "SPACE_TO_DEPTH", "SHAPE", "PACK", "UNPACK",
}  # fmt: skip
_ABSENT = -1  # an optional input that was left out


def tensor_info(detail: Mapping[str, Any]) -> TensorInfo:
    """detail: one of `get_input_details()` or `get_output_details()`. Scale and zero point if there is just one."""
    signature = detail.get("shape_signature")
    shape = detail["shape"] if signature is None or len(signature) == 0 else signature
    quantization = detail["quantization_parameters"]
    scales, zeros = quantization["scales"], quantization["zero_points"]
    single = len(scales) == 1 and len(zeros) == 1
    return TensorInfo(
        name=detail["name"],
        shape=tuple(int(size) for size in shape),
        dtype=np.dtype(detail["dtype"]).name,
        scale=float(scales[0]) if single else None,
        zero_point=int(zeros[0]) if single else None,
    )


def placements(ops: Sequence[Mapping[str, Any]], tensors: Iterable[Mapping[str, Any]]) -> list[Placement]:
    """ops: `_get_ops_details()` after allocation. tensors: `get_tensor_details()`.

    A delegate adds an op of its own behind the file's ops and says only which tensors go in and out; the ops between
    those are the ones that it runs.
    """
    known = {int(tensor["index"]): tensor for tensor in tensors}
    own = [op for op in ops if op["op_name"] != "DELEGATE"]
    taken = _delegated([op for op in ops if op["op_name"] == "DELEGATE"], own)
    return [
        Placement(
            layer=_name(op, known),
            op=op["op_name"],
            precision=_precision(op, known),
            kernel="XNNPACK" if op["index"] in taken else "builtin",
        )
        for op in own
    ]


def _delegated(delegates: Sequence[Mapping[str, Any]], own: Sequence[Mapping[str, Any]]) -> set[int]:
    maker = {int(tensor): op for op in own for tensor in op["outputs"]}
    taken: set[int] = set()
    for delegate in delegates:
        outside = {int(tensor) for tensor in delegate["inputs"]}
        waiting = [int(tensor) for tensor in delegate["outputs"]]
        while waiting:
            tensor = waiting.pop()
            op = maker.get(tensor)
            if op is None or tensor in outside or op["index"] in taken:
                continue
            taken.add(op["index"])
            waiting += [int(source) for source in op["inputs"] if int(source) != _ABSENT]
    return taken


def _name(op: Mapping[str, Any], tensors: Mapping[int, Mapping[str, Any]]) -> str:
    first = int(op["outputs"][0]) if len(op["outputs"]) else _ABSENT
    return str(tensors[first]["name"]) if first in tensors else f"op {op['index']}"


def _precision(op: Mapping[str, Any], tensors: Mapping[int, Mapping[str, Any]]) -> str:
    """By the first input and output: int8 weights under float activations still sum in float for the reader."""
    if op["op_name"] in _CONVERSIONS or op["op_name"] in _MOVES:
        return "none"
    ends = [int(side[0]) for side in (op["inputs"], op["outputs"]) if len(side)]
    types = {np.dtype(tensors[index]["dtype"]).name for index in ends if index in tensors}
    if types <= {"int8", "uint8"}:
        return "int8"
    return next((name for name in ("float32", "float16", "bfloat16") if name in types), "none")
