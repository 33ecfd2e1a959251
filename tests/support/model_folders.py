"""A small network's folder, as `sepia export` and `sepia quantize` leave it, with preparation and labels."""

from __future__ import annotations

from pathlib import Path

import onnx
from sepia.check.model_folder import ModelFolder
from sepia.files import digest
from sepia.graph.load import load_graph, save_graph
from sepia.graph.passes import canonicalize
from sepia.inputs import Preparation
from sepia.inputs.metadata import to_metadata
from sepia.pipeline.quantize_files import QuantizeOptions, quantize_files
from sepia.pipeline.translate_files import translate_files
from sepia.report.results import FileFacts, ModelFacts, Results, Row, save_results

from .graphs import tiny_separable

__all__ = ["LABELS", "PREPARATION", "write_model_folder", "write_results"]

PREPARATION = Preparation(height=16, width=16, resize=20)
LABELS = (*(f"class {number}" for number in range(9)), "née\n trout")


def write_model_folder(folder: Path) -> None:
    """Every format, float and int8, and `quantization.json`."""
    found = ModelFolder(folder)
    folder.mkdir(parents=True)
    source = found.artifact("onnx", "float").path
    onnx.save(tiny_separable(classes=len(LABELS)), source)
    model = canonicalize(load_graph(source))
    model.metadata_props.update(to_metadata(PREPARATION, LABELS))
    save_graph(model, source)
    translate_files(found, "float", ("onnx", "tflite", "openvino"))
    quantize_files(found, found, QuantizeOptions("fast", images=4))


def write_results(folder: Path, *rows: Row) -> Results:
    """`results.json` of these rows, with the digests of the network files as they are now."""
    results = Results(
        created="2026-01-01T00:00:00+00:00",
        models=(ModelFacts(name="tiny", source="/home/someone/nets.py:tiny", weights="random"),),
        files=tuple(
            FileFacts(model="tiny", file=path.name, sha256=digest(path)) for path in sorted(folder.glob("model.int8.*"))
        ),
        rows=rows,
    )
    save_results(results, folder / "results.json")
    return results
