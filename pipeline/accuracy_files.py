"""`sepia accuracy`: right answers on labelled photos, by file and runtime → `accuracy.json`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..check.model_facts import model_facts
from ..check.model_folder import ModelFolder, network_digests
from ..errors import InputError
from ..files import write_text
from .progress import Report, silent
from .usable import usable_runtimes

if TYPE_CHECKING:
    from ..check.accuracy import Accuracy

__all__ = ["Measured", "accuracy_files"]


@dataclass(frozen=True)
class Measured:
    """What was measured. data: the labelled folder's name. digests: of the network files that were."""

    data: str
    digests: dict[str, str]
    rows: tuple[Accuracy, ...]

    def to_json(self) -> dict[str, Any]:
        return {"data": self.data, "digests": self.digests, "rows": [row.to_json() for row in self.rows]}

    def to_text(self) -> str:
        lines = [f"{'runtime':<16} {'file':<20} {'images':>6} {'top-1':>7} {'top-5':>7} {'agreement':>9} {'rms':>9}"]
        for row in self.rows:
            head = f"{row.runtime:<16} {row.file:<20} "
            if row.outputs == "right":
                figures = (_share(row.top1, 7), _share(row.top5, 7), _share(row.agreement, 9), _share(row.rms, 9))
                lines.append(head + f"{row.images:>6} " + " ".join(figures))
            else:
                lines.append(head + (f"WRONG: {row.reason}" if row.outputs == "wrong" else f"failed: {row.failure}"))
        return "\n".join(lines)


def _share(value: float | None, width: int) -> str:
    return f"{'—' if value is None else format(value, '.4f'):>{width}}"


def accuracy_files(
    folder: ModelFolder,
    *,
    data: Path,
    images: int | None = None,
    runtimes: Sequence[str] | None = None,
    progress: Report = silent,
) -> Measured:
    """Measure every file in `folder` on every runtime here (or those named), and write `accuracy.json`.

    data: a labelled folder. images: at most so many photos, evenly over all. Raises InputError, ConfigError,
    RuntimeUnavailable, RunError and OutputError.
    """
    usable = usable_runtimes(runtimes)
    onnx = folder.require("onnx", "float")
    from ..check.accuracy import accuracy
    from ..inputs.labelled_folder import LabelledFolder

    preparation = model_facts(onnx).preparation
    if preparation is None:
        raise InputError(str(onnx), "does not say how a photo is prepared", accepted="metadata sepia.preparation")
    artifacts = tuple(folder.artifacts())
    rows = accuracy(
        artifacts,
        LabelledFolder(data),
        preparation,
        usable.names,
        limit=images,
        progress=lambda _, done, total: progress("photos", done, total),
    )
    found = Measured(str(data), network_digests(artifacts), rows)
    write_text(folder.accuracy, json.dumps(found.to_json(), indent=1) + "\n")
    return found
