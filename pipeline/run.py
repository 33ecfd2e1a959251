"""`sepia run`: models × recipes × targets, each step skipped where nothing changed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..check.model_folder import ModelFolder
from ..errors import ConfigError
from .config import ModelConfig, RunConfig
from .progress import Report, silent
from .step import Outcome, Step, perform
from .steps import steps_of

__all__ = ["Done", "run"]


@dataclass(frozen=True)
class Done:
    """What a run did. outcomes: each step. folders: each model's (and recipe's) folder, with its report inside."""

    outcomes: tuple[Outcome, ...]
    folders: tuple[Path, ...]

    def to_json(self) -> dict[str, Any]:
        steps = [
            {"folder": str(o.folder), "step": o.step, "skipped": o.skipped, "seconds": round(o.seconds, 3)}
            for o in self.outcomes
        ]
        return {"steps": steps, "reports": [str(folder / "report.html") for folder in self.folders]}

    def to_text(self) -> str:
        """The table of every folder's results, and where its report lies."""
        from ..report.results import load_results
        from ..report.table import results_text

        skipped = sum(outcome.skipped for outcome in self.outcomes)
        lines = []
        for folder in self.folders:
            lines += [results_text(load_results(ModelFolder(folder).results)), f"report: {folder / 'report.html'}", ""]
        seconds = sum(outcome.seconds for outcome in self.outcomes)
        lines.append(f"{len(self.outcomes)} steps, {skipped} skipped, {seconds:.0f} s of work")
        return "\n".join(lines)


def _quiet(line: str) -> None:
    """Say nothing."""


def run(config: RunConfig, *, progress: Report = silent, say: Callable[[str], None] = _quiet) -> Done:
    """Do every step of `config` that is not done. Raises ConfigError, and what the steps raise.

    A step that fails ends the run; what was finished before it is kept and skipped the next time.
    """
    outcomes: list[Outcome] = []
    folders: list[Path] = []
    for folder, steps in _plans(config, progress):
        for step in steps:
            outcome = perform(step)
            outcomes.append(outcome)
            say(f"{folder.name}: {step.name} {'skipped' if outcome.skipped else f'{outcome.seconds:.1f} s'}")
        folders.append(folder.path)
    return Done(tuple(outcomes), tuple(folders))


def _plans(config: RunConfig, progress: Report) -> Iterator[tuple[ModelFolder, tuple[Step, ...]]]:
    names = [model_name(model) for model in config.model]
    for name in names:
        if names.count(name) > 1:
            raise ConfigError("sepia.toml", f"two models would be written to '{name}'", hint="give one a name = …")
    for model, name in zip(config.model, names, strict=True):
        base = config.output / name
        for recipe in config.quantize.recipes:
            # One recipe shares the model's folder; several have a folder each, beside the float files.
            path = base if len(config.quantize.recipes) == 1 else base / Path(recipe).stem
            folder = ModelFolder(path, float_path=base)
            yield folder, steps_of(model, recipe, config, folder, progress)


def model_name(model: ModelConfig) -> str:
    """The folder's name: as given, or from the source: nets.py:small → small, net.onnx → net, mobilenet-v2 as it is."""
    if model.name is not None:
        return model.name
    path, colon, factory = model.source.rpartition(":")
    return (
        factory if colon and path.endswith(".py") else Path(model.source).stem if "/" in model.source else model.source
    )
