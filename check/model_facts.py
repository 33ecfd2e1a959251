"""What a step must know of a network before it runs it: its inputs, and how they are prepared."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ..inputs import Preparation
from .model_folder import ModelFolder

__all__ = ["ModelFacts", "model_facts", "network_file"]


@dataclass(frozen=True)
class ModelFacts:
    """inputs: name → shape, ONNX layout, a dynamic batch as 1. preparation, labels: from the metadata, or None."""

    inputs: dict[str, tuple[int, ...]]
    preparation: Preparation | None
    labels: tuple[str, ...] | None


def network_file(folder: ModelFolder) -> Path:
    """The float ONNX file, or the quantised one where a folder has no other: somebody else's, taken over alone.

    Raises InputError where there is neither.
    """
    quantized = folder.artifact("onnx", "int8").path
    missing = not folder.artifact("onnx", "float").path.is_file()
    return quantized if missing and quantized.is_file() else folder.require("onnx", "float")


def model_facts(onnx: Path) -> ModelFacts:
    """Read them from an ONNX file. Raises GraphError or InputError as `graph.load` does."""
    from ..graph.load import load_graph
    from ..inputs.metadata import labels_of, preparation_of

    model = load_graph(onnx)
    inputs = {
        str(value.name): tuple(size if isinstance(size, int) else 1 for size in value.shape or ())
        for value in model.graph.inputs
    }
    metadata = model.metadata_props
    return ModelFacts(
        inputs,
        preparation_of(metadata, where=str(onnx)),
        labels_of(metadata, where=str(onnx)),
    )
