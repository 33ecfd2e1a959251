"""`sepia ship bundle`: a model's folder and a target → one file, bit for bit the same when made twice."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ..check.model_facts import ModelFacts, model_facts
from ..check.model_folder import ModelFolder
from ..devices.target import Target
from ..errors import ConfigError
from ..files import digest, replacing, write_text
from ..report.results import Row
from .agent import archive
from .agent.manifest import NAME, VERSION, File, Manifest
from .figures import bounds_of, figures_json, results_in, rows_of
from .golden import write_golden
from .host_error import host_error
from .licences import licence_parts
from .network_files import NetworkFiles, Part, network_files
from .provenance import provenance
from .sbom import PATH as SBOM
from .sbom import sbom_json

__all__ = ["ENDING", "LABELS", "REPORT", "Bundle", "make_bundle"]

ENDING = ".sepia"
LABELS, REPORT = "labels.txt", "report.json"
"""Names in a bundle: class names, one a line, in the order of the outputs; figures with how they were had."""


@dataclass(frozen=True)
class Bundle:
    """path: of the archive. sha256: of it, in hex. bytes: its size."""

    path: Path
    sha256: str
    bytes: int
    manifest: Manifest

    def to_json(self) -> dict[str, Any]:
        return {
            "path": str(self.path),
            "sha256": self.sha256,
            "bytes": self.bytes,
            "manifest": asdict(self.manifest),
        }


def make_bundle(
    folder: Path,
    target: str,
    version: str,
    into: Path,
    *,
    max_latency_ms: float | None = None,
    max_rss_mb: float | None = None,
    licences: Sequence[Path] = (),
    model: str | None = None,
    data: Path | None = None,
) -> Bundle:
    """Write `into`/MODEL-VERSION-TARGET.sepia of the int8 network in `folder` that the target's runtime takes.

    folder: as `sepia export` and `sepia quantize` leave it; its float files may lie in the folder above.
    max_latency_ms, max_rss_mb (10⁶ bytes): what the board holds it to; None: a measured figure of that very target in
    `results.json` times a factor, else nothing. licences: texts to go with it. model: the folder's name by default.
    data: what the golden inputs are taken from (folder of photos, .npz, .npy); None: photos in scikit-image's wheel.

    Raises ConfigError (target, names, bounds), InputError (a file that is missing, with the command that makes it),
    RunError, RuntimeUnavailable, UnsupportedOps and OutputError.
    """
    chosen, named = ModelFolder(folder, _float_folder(folder)), Target.parse(target)
    name = model or chosen.name
    _refuse_odd_names(name, version)
    _refuse_bounds(max_latency_ms, max_rss_mb)
    with tempfile.TemporaryDirectory(prefix="sepia-bundle-") as made, host_error():
        content = _gather(chosen, named, Path(made), licences, data)
        bill = sbom_json(name, version, target, named.runtime, _files(content.parts), content.provenance)
        parts = (*content.parts, _text(Path(made) / SBOM, bill, "sbom"))
        bounds = bounds_of(content.rows, target, max_latency_ms=max_latency_ms, max_rss_mb=max_rss_mb)
        manifest = Manifest(
            model=name,
            version=version,
            target=target,
            runtime=named.runtime,
            network=content.network.path,
            threads=named.threads,
            files=_files(parts),
            bounds=bounds,
            preparation=content.preparation,
            provenance=content.provenance,
            program=content.network.path if content.network.role == "program" else None,
        )
        return _packed(manifest, parts, into)


@dataclass(frozen=True)
class _Content:
    """Everything but the bill of materials and the manifest."""

    network: Part
    parts: tuple[Part, ...]
    rows: tuple[Row, ...]
    preparation: dict[str, Any]
    provenance: dict[str, Any]


def _gather(folder: ModelFolder, target: Target, work: Path, licences: Sequence[Path], data: Path | None) -> _Content:
    facts = model_facts(folder.require("onnx", "int8"))
    network = network_files(folder, target, work / "network")
    results = results_in(folder.results)
    first = network.parts[0].source
    rows = rows_of(results, first.name, digest(first))
    origin = provenance(folder, results, network.tools)
    parts = [*network.parts, *write_golden(folder, network, facts, work, data=data)]
    parts += licence_parts(licences, native=network.native)
    if facts.labels:
        text = "".join(" ".join(label.split()) + "\n" for label in facts.labels)
        parts.append(_text(work / LABELS, text, "labels"))
    if results is not None and rows:
        parts.append(_text(work / REPORT, figures_json(results, rows), "report"))
    return _Content(network.parts[0], tuple(parts), rows, _preparation(facts, network), origin)


def _preparation(facts: ModelFacts, network: NetworkFiles) -> dict[str, Any]:
    """The fields of `inputs.Preparation`, where it is known, and the network's own `inputs` and `outputs`."""
    known = {} if facts.preparation is None else json.loads(facts.preparation.to_json())
    return {**known, "inputs": list(network.inputs), "outputs": list(network.outputs)}


def _files(parts: Sequence[Part]) -> tuple[File, ...]:
    ordered = sorted(parts, key=lambda part: part.path)
    return tuple(File(part.path, part.source.stat().st_size, digest(part.source), part.role) for part in ordered)


def _text(path: Path, text: str, role: str) -> Part:
    write_text(path, text)
    return Part(path.name, path, role)


def _packed(manifest: Manifest, parts: Sequence[Part], into: Path) -> Bundle:
    sources = {part.path: part.source for part in parts}
    path = into / f"{manifest.model}-{manifest.version}-{manifest.target}{ENDING}"
    with replacing(path) as partial:
        sha256 = archive.pack(manifest, lambda name: sources[name].open("rb"), partial)
    return Bundle(path, sha256, path.stat().st_size, manifest)


def _float_folder(folder: Path) -> Path | None:
    """Where several recipes share their float files: the folder above, if they are not in this one."""
    above = ModelFolder(folder.resolve().parent)
    own = ModelFolder(folder).artifact("onnx", "float").path
    return above.path if not own.exists() and above.artifact("onnx", "float").path.is_file() else None


def _refuse_odd_names(model: str, version: str) -> None:
    if not NAME.fullmatch(model):
        raise ConfigError("model", f"'{model}' is no name of a model", accepted=NAME.pattern, hint="give another name")
    if not VERSION.fullmatch(version):
        raise ConfigError("version", f"'{version}' is no name of a version", accepted=VERSION.pattern)


def _refuse_bounds(max_latency_ms: float | None, max_rss_mb: float | None) -> None:
    for what, bound in (("max latency", max_latency_ms), ("max memory", max_rss_mb)):
        if bound is not None and not 0 < bound < 1e6:
            raise ConfigError(what, f"is {bound}", accepted="a number above 0")
