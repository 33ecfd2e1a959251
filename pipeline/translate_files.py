"""The ONNX file of one precision, rewritten as the other formats: never a second quantisation."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from ..check.model_folder import Format, ModelFolder, Precision
from ..errors import UnsupportedOps
from .progress import Report, silent

__all__ = ["translate_files"]


def translate_files(
    folder: ModelFolder,
    precision: Precision,
    formats: Sequence[Format],
    *,
    io: Literal["float", "int8"] = "float",
    progress: Report = silent,
) -> dict[str, Path]:
    """Write each of `formats` but ONNX from the ONNX file of this precision. Returns format → path.

    io: element type of a TFLite's inputs and outputs. Raises UnsupportedOps with what to leave out, OutputError.
    """
    onnx = folder.artifact("onnx", precision).path
    files: dict[str, Path] = {}
    if "tflite" in formats:
        progress(f"{folder.name}: {precision} ONNX → TFLite", 0, 0)
        files["tflite"] = folder.artifact("tflite", precision).path
        _to_tflite(onnx, files["tflite"], io, [format_ for format_ in formats if format_ != "tflite"])
    if "openvino" in formats:
        from ..export.onnx_to_openvino import onnx_to_openvino

        progress(f"{folder.name}: {precision} ONNX → OpenVINO IR", 0, 0)
        files["openvino"] = folder.artifact("openvino", precision).path
        onnx_to_openvino(onnx, files["openvino"])
    return files


def _to_tflite(onnx: Path, target: Path, io: Literal["float", "int8"], others: Sequence[Format]) -> None:
    from ..export.onnx_to_tflite import onnx_to_tflite

    try:
        onnx_to_tflite(onnx, target, io=io)
    except UnsupportedOps as error:
        hint = error.hint or f"the other formats take it: --formats {','.join(others)}"
        raise UnsupportedOps(error.where, "TFLite", error.refusals, hint=hint) from error
