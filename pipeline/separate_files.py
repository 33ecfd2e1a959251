"""`sepia separate`: a torch network → the same with separable layers, as `model.pt2`, `model.onnx` and a report."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from ..check.model_facts import ModelFacts, model_facts
from ..check.model_folder import FORMATS, Format, ModelFolder
from ..errors import ConfigError, InputError, ModelError, RunError
from ..files import replacing, write_text
from ..report.separation import Judged, LayerRow, NetworkFigures, Separation, Tried
from .layer_times import LayerTimes, layer_times, place_of_layers
from .progress import Report, silent
from .translate_files import translate_files

if TYPE_CHECKING:
    import torch

    from ..inputs.calibration import CalibrationData
    from ..models.separate.network import SeparableNetwork
    from ..models.separate.options import Option
    from ..models.separate.separate import Outcome, Separated, Setting

__all__ = ["SeparateOptions", "budget_macs", "separate_files"]

_HELD = 1 / 5
_MENDS = 1 / 8
_MOST = 32
"""Samples that choose, and that judge the repair, at most; as in `quantize.mixed`."""
_FITS = 64
"""Samples that second moments are taken of, at most."""
_BATCH = 16
WORK = ".separate"
"""Sub-folder of what a stopped run goes on from."""

_Times = tuple[LayerTimes, LayerTimes]
"""Of the network as it was, and as it is."""


@dataclass(frozen=True)
class SeparateOptions:
    """One of keep_accuracy, in [0, 1], and budget, as `budget_macs` reads it. calibrate, images: as for `quantize`.

    by: what the choice of layers counts. steps: of repair, 0 for none. seconds: of measuring latency, 0 for none;
    target: where, as for `bench`.
    """

    keep_accuracy: float | None = None
    budget: str | None = None
    calibrate: Path | None = None
    images: int | None = None
    by: Literal["outputs", "responses"] = "outputs"
    steps: int = 400
    seed: int = 0
    seconds: float = 3.0
    target: str = "host"


def separate_files(
    source: str,
    folder: ModelFolder,
    options: SeparateOptions,
    *,
    formats: Sequence[Format] = FORMATS,
    progress: Report = silent,
) -> Separation:
    """Write `model.pt2`, `model.onnx` and its translations, `separation.json` and `separation.html` into `folder`.

    source: zoo name, `file.py:factory` or `.pt2`. Stopped and started again, it goes on from what is in
    `folder/.separate` and writes the same bytes. Raises ModelError (also where nothing is gained), ConfigError for a
    goal that is met already or out of reach, InputError for samples, and OutputError.
    """
    if (options.keep_accuracy is None) == (options.budget is None):
        raise ConfigError("sepia separate", "takes one goal", accepted="--keep-accuracy X or --budget MACS")
    if Path(source).suffix.lower() == ".onnx":
        raise ModelError(
            source,
            "is an ONNX file, and layers are exchanged and repaired in torch",
            accepted="a name of the zoo, file.py:factory or a .pt2",
            hint="give the network that it was exported from",
        )
    place_of_layers(options.target)
    with tempfile.TemporaryDirectory(prefix="sepia-") as scratch:
        return _separate(source, folder, options, formats, Path(scratch), progress)


def budget_macs(text: str, total: int) -> int:
    """MACs that `text` means: "120M", "0.3G", "2e8", or "50%" of `total`. Raises ConfigError."""
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?(?:[eE]\+?\d+)?)\s*([kKmMgG%]?)\s*", text)
    units = {"": 1.0, "k": 1e3, "m": 1e6, "g": 1e9, "%": total / 100}
    macs = 0 if match is None else int(float(match[1]) * units[match[2].lower()])
    if macs < 1:
        raise ConfigError("--budget", f"'{text}' is no number of MACs", accepted="120M, 0.3G, 2e8 or 50%")
    return macs


def _separate(
    source: str,
    folder: ModelFolder,
    options: SeparateOptions,
    formats: Sequence[Format],
    scratch: Path,
    progress: Report,
) -> Separation:
    from ..export.torch_to_onnx import torch_to_onnx
    from ..inputs.metadata import to_metadata
    from ..models.separate.network import SeparableNetwork
    from ..models.separate.separate import Goal, separate
    from ..models.source import load_source

    progress(f"{source}: capture", 0, 0)
    loaded = load_source(source, scratch)
    if loaded.program is None:
        raise ValueError(f"{source} was loaded as nothing")
    network = SeparableNetwork(loaded.program, where=source)
    original = scratch / "original.onnx"
    metadata = to_metadata(loaded.preparation, loaded.labels)
    torch_to_onnx(loaded.program, original, metadata=metadata)
    kinds, before = _kinds(network), _figures(original)
    budget = None if options.budget is None else budget_macs(options.budget, before.macs)
    parts = _parts(original, options)
    setting = _setting(network, kinds, before.macs, parts, options, folder.path / WORK)
    found = separate(network, Goal(budget, options.keep_accuracy), setting, tick=progress)
    program = network.program(found.module)
    onnx = folder.artifact("onnx", "float").path
    torch_to_onnx(program, onnx, metadata=metadata)
    _save_program(program, folder.path / "model.pt2")
    translate_files(folder, "float", formats, progress=progress)
    after = _figures(onnx)
    times, failure = _times(original, onnx, options, progress)
    told = _told(source, options, parts, network, kinds, found, (before, after), times)
    told = told.model_copy(update={"target_failure": failure})
    write_text(folder.path / "separation.json", told.model_dump_json(by_alias=True, indent=1) + "\n")
    from ..report.separation.html import to_html

    write_text(folder.path / "separation.html", to_html(told))
    return told


def _times(original: Path, onnx: Path, options: SeparateOptions, progress: Report) -> tuple[_Times | None, str]:
    """Of both networks at the target. A board that fails is told why, and nothing else is lost by it."""
    if not options.seconds:
        return None, ""
    place = place_of_layers(options.target)
    progress(f"latency on {options.target}", 0, 0)
    try:
        before, after = (
            layer_times(each, place, options.seconds, samples=options.calibrate, progress=progress)
            for each in (original, onnx)
        )
    except RunError as error:
        if place.kind == "host":
            raise
        return None, str(error)
    return (before, after), ""


def _kinds(network: SeparableNetwork) -> dict[str, str]:
    """What each convolution is: `graph` decides."""
    from ..graph.kinds import convolution_kind

    return {name: str(convolution_kind(shape, groups)) for name, (shape, groups) in network.weight_shapes.items()}


def _figures(onnx: Path) -> NetworkFigures:
    from ..graph.cost import graph_cost, separable_share
    from ..graph.load import load_graph

    costs = graph_cost(load_graph(onnx))
    params, macs = sum(cost.params for cost in costs), sum(cost.macs for cost in costs)
    return NetworkFigures(params=params, macs=macs, separable_share=separable_share(costs), p50_ms=None)


@dataclass(frozen=True)
class _Parts:
    """The samples, parted. learns: to fit, choose and repair. mends: tell the best state of the repair. held: judge."""

    facts: ModelFacts
    data: CalibrationData
    learns: CalibrationData
    mends: CalibrationData
    held: CalibrationData

    def feeds(self, part: CalibrationData, most: int) -> Iterator[list[torch.Tensor]]:
        """At most so many samples, evenly over all: a tensor an input, in the order of the graph."""
        import torch

        every = -(-len(part) // most)
        for sample in islice(part, 0, None, every):
            yield [torch.from_numpy(sample[name]) for name in self.facts.inputs]


def _parts(onnx: Path, options: SeparateOptions) -> _Parts:
    from ..inputs.calibration import calibration_data
    from ..quantize.held_back import split

    facts = model_facts(onnx)
    data = calibration_data(options.calibrate, facts.inputs, facts.preparation, limit=options.images)
    seen, held = split(data, _HELD)
    learns, mends = split(seen, _MENDS)
    if not len(held) or not len(mends):
        raise InputError(data.name, "too few samples to hold some back", accepted="three and more; hundreds are better")
    return _Parts(facts, data, learns, mends, held)


def _setting(
    network: SeparableNetwork, kinds: Mapping[str, str], macs: int, parts: _Parts, options: SeparateOptions, work: Path
) -> Setting:
    from ..models.separate.judge import Judge
    from ..models.separate.separate import Setting
    from ..quantize.learning.batches import batches

    mends = Judge(network, parts.feeds(parts.mends, _MOST))
    # Photos may be mirrored and moved; what an array holds nobody knows.
    photos = options.calibrate is None or options.calibrate.is_dir()

    def learns() -> Iterator[list[torch.Tensor]]:
        size = _BATCH if mends.batched else 1
        for batch in batches(parts.learns, size, seed=options.seed, augment=photos):
            yield [batch[name] for name in parts.facts.inputs]

    return Setting(
        kinds,
        macs,
        lambda: parts.feeds(parts.learns, _FITS),
        Judge(network, parts.feeds(parts.learns, _MOST)),
        learns,
        mends,
        Judge(network, parts.feeds(parts.held, len(parts.held))),
        by=options.by,
        steps=options.steps,
        seed=options.seed,
        folder=work,
    )


def _save_program(program: torch.export.ExportedProgram, path: Path) -> None:
    import torch

    with replacing(path) as partial:
        torch.export.save(program, partial)


def _told(
    source: str,
    options: SeparateOptions,
    parts: _Parts,
    network: SeparableNetwork,
    kinds: Mapping[str, str],
    found: Separated,
    figures: tuple[NetworkFigures, NetworkFigures],
    times: _Times | None,
) -> Separation:
    goal = f"--budget {options.budget}" if options.budget else f"--keep-accuracy {options.keep_accuracy:g}"
    before, after = figures
    if times is not None:
        before, after = (
            figures.model_copy(update={"p50_ms": each.p50_ms, "instructions": each.instructions})
            for figures, each in zip((before, after), times, strict=True)
        )
    return Separation(
        source=source,
        goal=goal,
        chosen_by=options.by,
        data=parts.data.name,
        samples_seen=len(parts.learns) + len(parts.mends),
        samples_held=len(parts.held),
        seed=options.seed,
        target=options.target,
        repair_steps=options.steps,
        before=before,
        after=after,
        without_repair=_judged(found.before),
        with_repair=_judged(found.after) if options.steps else None,
        tried=tuple(Tried(macs=macs, agreement=agreement) for macs, agreement in found.tried),
        layers=tuple(_row(network, kinds, option, times) for option in found.chosen.values()),
        left={name: _why(name, kind, found) for name, kind in kinds.items() if name not in found.chosen},
    )


def _judged(outcome: Outcome) -> Judged:
    return Judged(loss=outcome.loss, agreement=outcome.agreement)


def _row(network: SeparableNetwork, kinds: Mapping[str, str], option: Option, times: _Times | None) -> LayerRow:
    layer, factored = network.layers[option.layer], option.factored
    return LayerRow(
        layer=option.layer,
        kind=kinds[option.layer],
        technique=factored.technique,
        rank=factored.rank,
        with_data=option.with_data,
        response_error=option.error,
        weight_error=option.weight_error,
        params_before=layer.params,
        params=factored.params,
        macs_before=layer.macs,
        macs=factored.macs,
        p50_us_before=None if times is None else times[0].of(option.layer),
        p50_us=None if times is None else times[1].of(option.layer),
    )


def _why(name: str, kind: str, found: Separated) -> str:
    if name in found.options:
        return "the goal does not need it"
    if kind in ("standard", "pointwise"):
        return f"{kind}, no rank saves MACs"
    return f"{kind} already" if kind in ("depthwise", "spatially separable") else kind
