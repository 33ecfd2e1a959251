"""Results to try reports on: files that look like real runs, and rows made by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sepia.report import Results, Row, load_results

__all__ = ["SAMPLES", "make_row", "sample"]

SAMPLES = Path(__file__).resolve().parents[1] / "report" / "samples"


def sample(name: str) -> Results:
    """ "lite0-host" (eight rows, one of them with wrong outputs), "lite0-pi4" (predicted, emulated, failed), or
    "lite0-boards": a host and a board that were measured, one run disturbed and one failed; three emulated cores; a
    prediction; a board that failed.
    """
    return load_results(SAMPLES / f"{name}.json")


def make_row(**changes: Any) -> Row:
    """A row with a latency and nothing else; `changes` are its other fields."""
    runtime, threads = changes.get("runtime", "litert"), changes.get("threads", 1)
    fields: dict[str, Any] = {
        "model": "tiny",
        "format": "tflite",
        "precision": "int8",
        "runtime": runtime,
        "target": f"host-debian12-{runtime}-t{threads}",
        "threads": threads,
        "how": "measured",
        "latency_ms": 2.5,
    }
    return Row(**fields | changes)
