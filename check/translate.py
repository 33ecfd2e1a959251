"""One cut-out layer as the file that a runtime reads, made by the same writers that make the whole network's file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import onnx_ir as ir

from ..runtime.interface import Runtime
from .cut import Layer, write_cut

__all__ = ["Translate", "Translator", "exporters"]

Translate = Callable[[Path, Path, Path], None]
"""(cut with codes in and out, the same cut with float in and out, destination): writes by the destination's ending."""


def exporters(codes: Path, real: Path, destination: Path) -> None:
    """Sepia's own writers. TFLite gets int8 inputs and outputs; an IR keeps the codes of the file."""
    if destination.suffix == ".tflite":
        from ..export.onnx_to_tflite import onnx_to_tflite

        onnx_to_tflite(real, destination, io="int8")
    else:
        from ..export.onnx_to_openvino import onnx_to_openvino

        onnx_to_openvino(codes, destination)


class Translator:
    """The files of one layer, each written when first asked for. remove: deletes them again."""

    def __init__(self, model: ir.Model, layer: Layer, folder: Path, translate: Translate | None = None) -> None:
        self._codes = folder / "codes.onnx"
        self._real = folder / "float.onnx"
        self._folder = folder
        self._translate = translate or exporters
        write_cut(model, layer, self._codes, io="codes")
        if layer.comparable:
            write_cut(model, layer, self._real, io="float")

    def reference(self) -> Path:
        """The cut itself: codes in, codes out, an ONNX file."""
        return self._codes

    def file(self, runtime: Runtime) -> Path:
        """What `runtime` is to read. Raises UnsupportedOps, GraphError."""
        suffix = runtime.suffixes[0]
        if suffix == ".onnx":
            return self._codes
        path = self._folder / f"layer{suffix}"
        if not path.exists():
            self._translate(self._codes, self._real, path)
        return path

    def remove(self) -> None:
        for path in self._folder.iterdir():
            path.unlink()
