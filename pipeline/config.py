"""`sepia.toml`: what a run does. Read once, checked whole, every error in one line."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ..check.model_folder import FORMATS, Format
from ..errors import ConfigError, nearest

__all__ = [
    "AccuracyConfig",
    "BenchConfig",
    "CheckConfig",
    "ExportConfig",
    "ModelConfig",
    "QuantizeConfig",
    "RunConfig",
    "load_config",
]


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ModelConfig(_Table):
    """One network. source: zoo name, `file.py:factory`, `.pt2` or `.onnx`. name: of its folder under `output`."""

    source: str
    name: str | None = Field(default=None, pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")


class ExportConfig(_Table):
    """formats: those written; "onnx" always is. dynamic_batch: leave the batch size open where the format can."""

    formats: tuple[Format, ...] = FORMATS
    dynamic_batch: bool = False


class QuantizeConfig(_Table):
    """recipes: built-in names, files or "auto". calibrate: image folder, `.npz` or `.npy`; absent: the built-in photos.

    max_loss, labels: of "auto" alone, as `sepia quantize` takes them.
    """

    recipes: tuple[str, ...] = Field(default=("default",), min_length=1)
    calibrate: Path | None = None
    images: int | None = Field(default=None, ge=1)
    activations: Literal["uint8", "int8"] = "uint8"
    saturation_safe: bool = False
    io: Literal["float", "int8"] = "float"
    max_loss: float | None = Field(default=None, ge=0)
    labels: bool = False


class CheckConfig(_Table):
    """runtimes: those compared; absent: all that can run here. samples: inputs sent through every layer.

    images: inputs for the whole networks' error against float.
    """

    runtimes: tuple[str, ...] | None = None
    samples: int = Field(default=2, ge=1)
    images: int = Field(default=16, ge=1)


class AccuracyConfig(_Table):
    """data: a labelled folder; absent: no accuracy is measured. images: at most so many."""

    data: Path | None = None
    images: int | None = Field(default=None, ge=1)


class BenchConfig(_Table):
    """targets: places, as `--target` takes them. threads: counts to try; empty: as `sepia bench`. seconds: of a row.

    repeats: how often a disturbed run is repeated, at most.
    """

    targets: tuple[str, ...] = Field(default=("host",), min_length=1)
    threads: tuple[int, ...] = ()
    seconds: float = Field(default=3.0, gt=0, le=600)
    repeats: int = Field(default=2, ge=0, le=10)


class RunConfig(_Table):
    """A whole run: models × recipes × targets. Paths are relative to the file's own folder."""

    model: tuple[ModelConfig, ...] = Field(min_length=1)
    output: Path = Path("build")
    export: ExportConfig = ExportConfig()
    quantize: QuantizeConfig = QuantizeConfig()
    check: CheckConfig = CheckConfig()
    accuracy: AccuracyConfig = AccuracyConfig()
    bench: BenchConfig = BenchConfig()


def load_config(path: Path) -> RunConfig:
    """Read a run's file. Raises ConfigError: missing file, broken TOML, or each wrong key with what is accepted."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise ConfigError(str(path), "no such file", hint="write one, or name it: sepia run FILE") from error
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(str(path), f"cannot be read: {error}") from error
    try:
        found = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(str(path), f"not TOML: {error}") from error
    try:
        config = RunConfig.model_validate(found)
    except ValidationError as error:
        raise ConfigError(str(path), _told(error)) from error
    return _rooted(config, path.resolve().parent)


def _told(error: ValidationError) -> str:
    """Every fault of the file in one line, an unknown key with the nearest known ones."""
    return " | ".join(_one(fault) for fault in error.errors(include_url=False))


def _one(fault: Any) -> str:
    *parents, last = fault["loc"]
    where = ".".join(str(part) for part in fault["loc"] if not isinstance(part, int))
    if fault["type"] != "extra_forbidden":
        return f"{where}: {fault['msg']}"
    return f"unknown key '{where}' ({nearest(str(last), _keys(parents))})"


def _keys(parents: list[Any]) -> list[str]:
    table: Any = RunConfig
    for part in parents:
        if not isinstance(part, int):
            table = ModelConfig if part == "model" else table.model_fields[part].annotation
    return list(table.model_fields)


def _rooted(config: RunConfig, folder: Path) -> RunConfig:
    """The same with absolute paths, so that a run does not depend on the folder it is started from."""
    update: dict[str, Any] = {
        "output": folder / config.output,
        "model": tuple(_source(m, folder) for m in config.model),
    }
    if config.quantize.calibrate is not None:
        update["quantize"] = config.quantize.model_copy(update={"calibrate": folder / config.quantize.calibrate})
    if config.accuracy.data is not None:
        update["accuracy"] = config.accuracy.model_copy(update={"data": folder / config.accuracy.data})
    return config.model_copy(update=update)


def _source(model: ModelConfig, folder: Path) -> ModelConfig:
    path, colon, factory = model.source.partition(":")
    if colon or path.endswith((".pt2", ".onnx", ".py")):
        return model.model_copy(update={"source": f"{folder / path}{colon}{factory}"})
    return model
