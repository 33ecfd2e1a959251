"""What the steps found, gathered into one `Results`: the rows of the bench, with accuracy and checks joined on."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..check.model_folder import ModelFolder, network_digests
from ..errors import InputError
from ..models.zoo import ZOO
from ..report.results import (
    Calibration,
    DeviceFacts,
    FileFacts,
    FloatLayer,
    LayerError,
    ModelFacts,
    Parity,
    QuantizationFacts,
    Results,
    load_results,
)
from .joined_row import JoinedRow
from .versions import tool_versions

if TYPE_CHECKING:
    from ..graph.cost import LayerCost

__all__ = ["results_of"]

Json = Mapping[str, Any]

_REFERENCE = "onnxruntime"
"""Whose codes the check compares the other runtimes' with."""


def results_of(folder: ModelFolder, *, source: str | None = None) -> Results:
    """Everything known of a model's folder, as its network files are now.

    A check or an accuracy of other files than those (quantised again since, say) is left out: its figures are unknown.
    Raises InputError if nothing was benchmarked, if the bench is of other files, or if a file is spoilt.
    """
    present = network_digests(folder.artifacts())
    bench = _read(folder.bench, "sepia bench")
    if not _is_of(bench, present):
        raise InputError(str(folder.bench), "is of other network files than are here", hint="run: sepia bench DIR")
    quantization = _read(folder.quantization, "sepia quantize") if folder.quantization.is_file() else {}
    check = _if_of(folder.check, "sepia check", present)
    accuracy = _if_of(folder.accuracy, "sepia accuracy", present)
    recipe = quantization.get("recipe")
    layers = _layers(folder)
    kinds = {layer.name: str(layer.kind) for layer in layers}
    tools = tool_versions()
    version = tools.pop("sepia")
    return Results(
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        sepia_version=version,
        models=(_model(folder, source or _named_before(folder), layers),),
        devices=tuple(_device(found) for found in bench["devices"]),
        quantizations=(_quantization(folder.name, quantization),) if quantization else (),
        data=Path(accuracy["data"]).name if accuracy else None,
        rows=tuple(JoinedRow(folder, found, recipe, kinds, check, accuracy).row() for found in bench["rows"]),
        parity=tuple(_parity(folder.name, recipe, check)),
        layer_errors=tuple(_layer_errors(folder.name, recipe, check)),
        files=tuple(_files(folder, present)),
        tools=tools,
    )


def _read(path: Path, command: str) -> Json:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise InputError(str(path), "no such file", hint=f"make it with: {command}") from error
    except (OSError, ValueError) as error:
        raise InputError(str(path), f"cannot be read: {error}", hint=f"make it anew with: {command}") from error
    if not isinstance(found, dict):
        raise InputError(str(path), "is not what this command writes", hint=f"make it anew with: {command}")
    return found


def _is_of(said: Json, present: Mapping[str, str]) -> bool:
    """Whether each network file that `said` speaks of is the one that is here."""
    digests = said.get("digests", {})
    return bool(digests) and all(present.get(name) == digest for name, digest in digests.items())


def _if_of(path: Path, command: str, present: Mapping[str, str]) -> Json:
    found = _read(path, command) if path.is_file() else {}
    return found if _is_of(found, present) else {}


def _layers(folder: ModelFolder) -> tuple[LayerCost, ...]:
    from ..check.model_facts import network_file
    from ..graph.cost import graph_cost
    from ..graph.load import load_graph
    from ..graph.passes import canonicalize
    from ..graph.qdq import read_qdq

    # Without pairs, where the folder has somebody else's quantised file alone.
    return graph_cost(canonicalize(read_qdq(load_graph(network_file(folder))).model))


def _named_before(folder: ModelFolder) -> str | None:
    """What an earlier run called the source: `sepia bench` alone is not told it."""
    if not folder.results.is_file():
        return None
    return next((model.source for model in load_results(folder.results).models), None)


def _model(folder: ModelFolder, source: str | None, layers: tuple[LayerCost, ...]) -> ModelFacts:
    from ..check.model_facts import model_facts, network_file

    facts = model_facts(network_file(folder))
    macs = sum(layer.macs for layer in layers)
    separable = sum(layer.macs for layer in layers if layer.kind.separable)
    return ModelFacts(
        name=folder.name,
        source=source,
        weights=_weights(source),
        parameters=sum(layer.params for layer in layers),
        macs=macs,
        separable_share=separable / macs if macs else None,
        input_shape=next(iter(facts.inputs.values())),
        preparation=None if facts.preparation is None else asdict(facts.preparation),
        reference=_reference(source),
    )


def _weights(source: str | None) -> str | None:
    entry = ZOO.get(source or "")
    return None if entry is None else entry.weights or "random"


def _reference(source: str | None) -> str | None:
    entry = ZOO.get(source or "")
    return None if entry is None else entry.reference


def _device(found: Json) -> DeviceFacts:
    """machine: as bench.py saw it; absent where nothing ran there."""
    machine: Json = found.get("machine", {})
    extensions = [name for name in ("vnni", "dotprod") if machine.get(name)]
    return DeviceFacts(
        name=found["name"],
        how=found.get("how"),
        profile=found.get("profile"),
        model=found.get("model") or machine.get("board") or None,
        failure=found.get("failure"),
        libc=found.get("libc"),
        clock_skew_s=found.get("clock_skew_s"),
        cpu=found.get("core") or machine.get("cpu") or None,
        cores=machine.get("cores"),
        architecture=machine.get("architecture"),
        extensions=tuple(extensions),
        memory_bytes=found.get("memory_bytes") or machine.get("memory_bytes"),
        system=machine.get("system"),
        python=machine.get("python"),
    )


def _quantization(model: str, said: Json) -> QuantizationFacts:
    data = said["calibration"]
    return QuantizationFacts(
        model=model,
        recipe=said["recipe"],
        activations=said.get("activations"),
        saturation_safe=bool(said.get("saturation_safe", False)),
        calibration=Calibration(name=data["name"], count=data["count"], built_in=data["built_in"]),
        float_layers=tuple(
            FloatLayer(layer=row["layer"], op=row["op"], reason=row["reason"]) for row in said.get("float_layers", [])
        ),
        seconds=said.get("seconds"),
    )


def _parity(model: str, recipe: str | None, check: Json) -> Iterator[Parity]:
    for verdict in check.get("verdicts", []):
        if verdict["runtime"] == _REFERENCE:
            continue
        yield Parity(
            model=model,
            recipe=recipe,
            runtime=verdict["runtime"],
            reference=_REFERENCE,
            layers=verdict["layers"],
            equal=verdict["share"],
            worst_lsb=verdict["max_lsb"],
            worst_layer=next(iter(verdict["broken"]), None),
        )


def _layer_errors(model: str, recipe: str | None, check: Json) -> Iterator[LayerError]:
    for row in check.get("depth", []):
        yield LayerError(
            model=model,
            recipe=recipe,
            runtime="QDQ arithmetic",
            index=row["index"],
            layer=row["layer"],
            kind=row["kind"],
            sqnr_db=row["sqnr_db"],
            rms_lsb=row["rms_lsb"],
        )


def _files(folder: ModelFolder, present: Mapping[str, str]) -> Iterator[FileFacts]:
    for artifact in folder.artifacts():
        for file in artifact.files:
            yield FileFacts(model=folder.name, file=file.name, sha256=present[file.name], bytes=file.stat().st_size)
