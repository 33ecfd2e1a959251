"""What a step must know of a network before it runs it: its inputs, and how they are prepared."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ..inputs import Preparation

__all__ = ["ModelFacts", "model_facts"]


@dataclass(frozen=True)
class ModelFacts:
    """inputs: name → shape, ONNX layout, a dynamic batch as 1. preparation, labels: from the metadata, or None."""

    inputs: dict[str, tuple[int, ...]]
    preparation: Preparation | None
    labels: tuple[str, ...] | None


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
