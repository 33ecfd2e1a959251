"""Every runtime on one drawn graph, by the road that a user's file takes: outputs, a refusal, or what went wrong."""

from __future__ import annotations

import json
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from sepia.errors import GraphError, MovedBatch, SepiaError, UnsupportedOps, UnsupportedQuantization
from sepia.export.onnx_to_openvino import onnx_to_openvino
from sepia.export.onnx_to_tflite import onnx_to_tflite, read_metadata
from sepia.runtime.litert import Kernels, LiteRT
from sepia.runtime.onnx_runtime import OnnxRuntime
from sepia.runtime.openvino_runtime import OpenVINO

from .draft import Drawn
from .interval import Array

__all__ = ["ENGINES", "Outcome", "run_engines"]

ENGINES = ("onnxruntime", "onnxruntime plain", "litert xnnpack", "litert builtin", "openvino")


@dataclass(frozen=True)
class Outcome:
    """One of: outputs by name, in ONNX's order of axes; refusals, each of the documented kind; failure, a text."""

    outputs: Mapping[str, Array] = field(default_factory=dict)
    refusals: tuple[str, ...] = ()
    failure: str = ""


def run_engines(drawn: Drawn, folder: Path, engines: tuple[str, ...] = ENGINES) -> dict[str, Outcome]:
    """folder: where the files are written, under names that each graph writes over."""
    source = folder / "drawn.onnx"
    source.write_bytes(drawn.model.SerializeToString())
    tflite = folder / "drawn.tflite"
    tflite.unlink(missing_ok=True)
    refused: Outcome | None = None
    if any(engine.startswith("litert") for engine in engines):
        refused = _told(lambda: _translate(source, tflite))
    found = {}
    for engine in engines:
        if engine.startswith("litert"):
            failed = refused and (refused.refusals or refused.failure)
            found[engine] = refused if refused and failed else _told(lambda e=engine: _litert(tflite, drawn, e))  # type: ignore[misc]
        else:
            found[engine] = _told(lambda e=engine: _RUN[e](source, drawn))  # type: ignore[misc]
    return found


def _told(run: Callable[[], dict[str, Array]]) -> Outcome:
    """A refusal names a node and a reason; whatever else is raised is a failure."""
    try:
        return Outcome(run())
    except UnsupportedOps as error:
        if all(refusal.node and refusal.reason and refusal.op for refusal in error.refusals) and error.refusals:
            return Outcome(refusals=tuple(f"{r.op.split(',')[0]}: {r.reason}" for r in error.refusals))
        return Outcome(failure=f"a refusal without node or reason: {error}")
    except UnsupportedQuantization as error:
        return Outcome(refusals=tuple(refusal.what for refusal in error.refusals))
    except MovedBatch as error:
        return Outcome(refusals=(error.what.split(") ", 1)[-1],))
    except GraphError as error:
        return Outcome(failure=f"GraphError: {error.what}")
    except SepiaError as error:
        return Outcome(failure=f"{type(error).__name__}: {error.what}")
    except Exception as error:  # noqa: BLE001 (whatever it is, it is a finding)
        where = traceback.extract_tb(error.__traceback__)[-1]
        return Outcome(failure=f"{type(error).__name__}: {error} ({Path(where.filename).name}:{where.lineno})")


def _translate(source: Path, tflite: Path) -> dict[str, Array]:
    onnx_to_tflite(source, tflite)
    return {}


def _optimised(source: Path, drawn: Drawn) -> dict[str, Array]:
    with OnnxRuntime().open(source) as session:
        return session.run(drawn.feeds)


def _plain(source: Path, drawn: Drawn) -> dict[str, Array]:
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.intra_op_num_threads = 1
    options.log_severity_level = 4
    session = ort.InferenceSession(str(source), options, providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    return dict(zip(names, session.run(names, drawn.feeds), strict=True))


def _openvino(source: Path, drawn: Drawn) -> dict[str, Array]:
    xml = source.with_suffix(".xml")
    onnx_to_openvino(source, xml)
    with OpenVINO().open(xml) as session:
        return session.run(drawn.feeds)


def _litert(tflite: Path, drawn: Drawn, engine: str) -> dict[str, Array]:
    kernels: Kernels = "builtin" if engine.endswith("builtin") else "xnnpack"
    layouts = json.loads(read_metadata(tflite)["sepia.layouts"])
    with LiteRT(kernels).open(tflite) as session:
        wanted = {info.name for info in session.inputs}
        given = {n: _turned(a, layouts[n], (0, 2, 3, 1)) for n, a in drawn.feeds.items() if n in wanted}
        return {n: _turned(a, layouts[n], (0, 3, 1, 2)) for n, a in session.run(given).items()}


def _turned(array: Array, layout: str, order: tuple[int, ...]) -> Array:
    return np.ascontiguousarray(array.transpose(order)) if layout == "NHWC" else array


_RUN: dict[str, Callable[[Path, Drawn], dict[str, Array]]] = {
    "onnxruntime": _optimised,
    "onnxruntime plain": _plain,
    "openvino": _openvino,
}
