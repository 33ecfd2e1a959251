"""`sepia check`: the runtimes against one another by layer, whole networks against float → `check.json`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..check.model_facts import model_facts, network_file
from ..check.model_folder import ModelFolder, network_digests
from ..check.sample_inputs import sample_inputs
from ..files import write_text
from .progress import Report, silent
from .usable import usable_runtimes

if TYPE_CHECKING:
    from ..check.depth import LayerDepth
    from ..check.layers import LayerParity
    from ..check.verdict import ParityVerdict
    from ..check.whole import WholeParity

__all__ = ["Checked", "check_files"]


@dataclass(frozen=True)
class Checked:
    """What the check found. missing: runtime → why it cannot run here. data: what the inputs were.

    digests: of the network files that were checked.
    """

    data: str
    digests: dict[str, str]
    verdicts: tuple[ParityVerdict, ...]
    layers: tuple[LayerParity, ...]
    whole: tuple[WholeParity, ...]
    depth: tuple[LayerDepth, ...]
    missing: dict[str, str]

    @property
    def agrees(self) -> bool:
        """Every runtime's layers are the reference's but for rounding, or its outputs are marked wrong already."""
        wrong = {row.runtime for row in self.whole if row.wrong}
        return all(verdict.passed or verdict.runtime in wrong for verdict in self.verdicts)

    def to_json(self) -> dict[str, Any]:
        return {
            "data": self.data,
            "digests": self.digests,
            "agrees": self.agrees,
            "verdicts": [verdict.to_json() for verdict in self.verdicts],
            "whole": [row.to_json() for row in self.whole],
            "layers": [row.to_json() for row in self.layers],
            "depth": [row.to_json() for row in self.depth],
            "missing": self.missing,
        }

    def to_text(self) -> str:
        lines = [f"{'layer by layer':<16} {'layers':>6} {'equal codes':>12} {'max LSB':>8}  verdict"]
        for verdict in self.verdicts:
            lines.append(
                f"{verdict.runtime:<16} {verdict.layers:>6} {verdict.share:>12.4%} {verdict.max_lsb:>8}  "
                + ("as rounding explains" if verdict.passed else "DIFFERS")
            )
            lines += [f"    {layer}: {reason}" for layer, reason in verdict.broken.items()]
        if not self.whole:
            lines += ["", "against float: not compared, for there is no model.onnx (sepia export FLOAT.onnx -o DIR)"]
            return "\n".join([*lines, *(f"{name}: cannot run here: {why}" for name, why in self.missing.items())])
        lines += ["", f"{'against float':<16} {'file':<20} {'agreement':>9} {'rms':>9}  layers in float"]
        lines += [_whole(row) for row in self.whole]
        lines += [f"{name}: cannot run here: {why}" for name, why in self.missing.items()]
        return "\n".join(lines)


def _whole(row: WholeParity) -> str:
    head = f"{row.runtime:<16} {row.file:<20} "
    if row.wrong or row.failure:
        return head + ("WRONG: " if row.wrong else "failed: ") + (row.wrong or row.failure)
    return head + f"{row.agreement:>9.4f} {row.rms:>9.5f}  " + _floats(row)


def _floats(row: WholeParity) -> str:
    if row.precision == "float":
        return ""
    if row.float_layers is None:
        return "not told"
    return "; ".join(f"{layer.layer} ({layer.op}: {layer.reason})" for layer in row.float_layers) or "none"


def check_files(
    folder: ModelFolder,
    *,
    runtimes: Sequence[str] | None = None,
    calibrate: Path | None = None,
    samples: int = 2,
    images: int = 16,
    progress: Report = silent,
) -> Checked:
    """Compare every runtime that runs here (or those named) and write `check.json`.

    calibrate: inputs, as for `quantize`. samples: of them, sent through every layer. images: of them, for the error
    against float; a folder without the float network (somebody else's file, taken over alone) is checked by layer
    alone. Raises InputError, ConfigError, RuntimeUnavailable, RunError and OutputError.
    """
    usable = usable_runtimes(runtimes)
    onnx, qdq = network_file(folder), folder.require("onnx", "int8")
    from ..check.depth import check_depth
    from ..check.layers import check_layers
    from ..check.verdict import verdicts
    from ..check.whole import check_whole

    facts = model_facts(onnx)
    data = sample_inputs(calibrate, facts, limit=max(samples, images))
    artifacts = tuple(folder.artifacts())
    # Called with each layer's name: one bar for all of them.
    layers = check_layers(
        qdq, usable.names, data, samples=samples, progress=lambda _, done, total: progress("layers", done, total)
    )
    whole: tuple[WholeParity, ...] = ()
    depth: tuple[LayerDepth, ...] = ()
    if onnx != qdq:
        reasons = left_float(folder)
        whole = check_whole(artifacts, usable.names, data, samples=images, left_float=reasons, progress=progress)
        depth = check_depth(onnx, qdq, data, samples=min(images, 4), progress=progress)
    found = Checked(data.name, network_digests(artifacts), verdicts(layers), layers, whole, depth, usable.missing)
    write_text(folder.check, json.dumps(found.to_json(), indent=1) + "\n")
    return found


def left_float(folder: ModelFolder) -> dict[str, str]:
    """Layer → why the quantiser left it in float; nothing of a file that somebody else quantised."""
    if not folder.quantization.is_file():
        return {}
    said = json.loads(folder.quantization.read_text(encoding="utf-8"))
    return {str(row["layer"]): str(row["reason"]) for row in said.get("float_layers", [])}
