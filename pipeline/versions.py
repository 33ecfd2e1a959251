"""Versions of the code that decides a result: our rooms by the digest of their sources, libraries by their metadata."""

from __future__ import annotations

import hashlib
import importlib.metadata
import platform
from collections.abc import Mapping
from functools import cache
from pathlib import Path

__all__ = ["LIBRARIES", "tool_versions", "versions_of"]

LIBRARIES = ("torch", "onnx", "onnx-ir", "onnxscript", "onnxruntime", "ai-edge-litert", "openvino", "numpy", "pillow")
_HOUSE = Path(__file__).resolve().parents[1]
_OUR_SOURCES = ("*.py", "*.toml", "*.json", "*.j2", "*.html", "*.css", "*.js")


@cache
def _library(name: str) -> str:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return "absent"


@cache
def _room(room: str) -> str:
    """Digest of a room's sources: a change of ours repeats the steps that it can reach."""
    state = hashlib.sha256()
    files = [path for pattern in _OUR_SOURCES for path in (_HOUSE / room).rglob(pattern)]
    for path in sorted(files):
        state.update(path.relative_to(_HOUSE).as_posix().encode() + b"\0" + path.read_bytes())
    return state.hexdigest()[:16]


def versions_of(rooms: tuple[str, ...], libraries: tuple[str, ...] = ()) -> Mapping[str, str]:
    """Name → version of the rooms and libraries that a step runs."""
    return {f"sepia.{room}": _room(room) for room in rooms} | {name: _library(name) for name in libraries}


def tool_versions() -> dict[str, str]:
    """What a report says it was made with."""
    from .. import __version__

    return {"sepia": __version__, "python": platform.python_version()} | {name: _library(name) for name in LIBRARIES}
