"""Where a bundle's network came from: its float source, how it was quantised, and with which tools."""

from __future__ import annotations

import importlib.metadata
import json
import platform
from collections.abc import Mapping
from typing import Any

from ..check.model_folder import ModelFolder
from ..errors import InputError
from ..files import digest
from ..report.results import Results

__all__ = ["TOOLS", "provenance", "tool_versions"]

TOOLS = ("sepia-edge", "ai-edge-litert", "numpy", "onnx", "onnx-ir", "onnxruntime", "openvino", "torch")
"""Distributions that decide what a network file is, and that made or checked this bundle."""

_AGAIN = "make it anew with: sepia quantize DIR"
_QUANTIZATION = ("recipe", "settings", "activations", "saturation_safe", "calibration")


def provenance(folder: ModelFolder, results: Results | None, tools: Mapping[str, str]) -> dict[str, Any]:
    """No clock, no path and no name of a machine in it: the same files and tools give the same.

    source: what the user named (None: no results tell). weights: where the results say they come from. onnx: digests
    of the float and the QDQ file. quantization: recipe and calibration, and the digest of all of `quantization.json`.
    tools: others than TOOLS that made the files. Raises InputError for a file that is not there or can't be read.
    """
    model = results.models[0] if results is not None and results.models else None
    return {
        "source": _name(model.source if model else None),
        "weights": model.weights if model else None,
        "onnx": {precision: digest(folder.require("onnx", precision)) for precision in ("float", "int8")},
        "quantization": _quantization(folder),
        "tools": {**tool_versions(), **tools},
    }


def tool_versions() -> dict[str, str]:
    """Name → version of those that are installed, and of Python."""
    found = {"python": platform.python_version()}
    for name in TOOLS:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def _name(source: str | None) -> str | None:
    """The last part of a path: where it lay on somebody's machine is nobody's business."""
    return None if source is None else source.replace("\\", "/").rpartition("/")[2]


def _quantization(folder: ModelFolder) -> dict[str, Any] | None:
    """None: somebody else quantised it."""
    path = folder.quantization
    if not path.is_file():
        return None
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(str(path), f"cannot be read ({error})", hint=_AGAIN) from error
    if not isinstance(found, dict):
        raise InputError(str(path), "is not what `sepia quantize` writes", hint=_AGAIN)
    return {"sha256": digest(path), **{key: found.get(key) for key in _QUANTIZATION}}
