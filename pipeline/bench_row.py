"""One row of `bench.json`: a file on a target, and what the measuring program said or why it said nothing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..check.model_folder import Artifact
from ..devices.target import Target

__all__ = ["Row", "counted", "failed", "measured"]

Row = dict[str, Any]


def measured(artifact: Artifact, target: Target, bench: Mapping[str, Any]) -> Row:
    """bench: what `bench.py` printed, with the attempts that were disturbed before it under "earlier"."""
    return _of(artifact, target, "measured") | {"bench": dict(bench)}


def counted(artifact: Artifact, target: Target, bench: Mapping[str, Any], instructions: Mapping[str, int]) -> Row:
    """On an emulated core. instructions: kind → of one inference."""
    return _of(artifact, target, "emulated") | {"bench": dict(bench), "instructions": dict(instructions)}


def failed(artifact: Artifact, target: Target, how: str, reason: str) -> Row:
    return _of(artifact, target, how) | {"failure": reason}


def _of(artifact: Artifact, target: Target, how: str) -> Row:
    return {
        "format": artifact.format,
        "precision": artifact.precision,
        "file": artifact.path.name,
        "file_bytes": artifact.file_bytes,
        "runtime": target.runtime,
        "target": target.name,
        "threads": target.threads,
        "how": how,
    }
