"""The results of one run: rows with figures, and the facts they stand on. Kept as JSON, with a published schema."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, Literal, Self

from pydantic import ConfigDict, Field, ValidationError, model_validator

from ..errors import InputError, nearest
from ..files import write_text
from .fact import Fact
from .facts import Calibration, DeviceFacts, FileFacts, LayerError, ModelFacts, Parity, QuantizationFacts
from .row import (
    INSTRUCTION_KINDS,
    Conditions,
    FloatLayer,
    InstructionKind,
    LayerInstructions,
    LayerTime,
    PhaseMemory,
    Row,
    RowKey,
)

__all__ = [
    "INSTRUCTION_KINDS",
    "SCHEMA_ID",
    "Calibration",
    "Conditions",
    "DeviceFacts",
    "FileFacts",
    "FloatLayer",
    "InstructionKind",
    "LayerError",
    "LayerInstructions",
    "LayerTime",
    "ModelFacts",
    "Parity",
    "PhaseMemory",
    "QuantizationFacts",
    "Results",
    "Row",
    "RowKey",
    "load_results",
    "save_results",
]

SCHEMA_ID: Final = "urn:sepia:results:1"
"""Value of the key `$schema`. The number grows when a reader of the old one would read the new one wrongly."""


class Results(Fact):
    """Everything that one run found out. `results.json` is this, and `report.json` several of them merged."""

    model_config = ConfigDict(populate_by_name=True)

    schema_id: Literal["urn:sepia:results:1"] = Field(
        default=SCHEMA_ID, validation_alias="$schema", serialization_alias="$schema"
    )
    created: str | None = None
    """When the run ended, ISO 8601 with time zone."""
    sepia_version: str | None = None
    command: str | None = None
    """The command that made it."""
    models: tuple[ModelFacts, ...] = ()
    devices: tuple[DeviceFacts, ...] = ()
    quantizations: tuple[QuantizationFacts, ...] = ()
    data: str | None = None
    """Name of the labelled data that accuracy is over."""
    rows: tuple[Row, ...] = ()
    parity: tuple[Parity, ...] = ()
    layer_errors: tuple[LayerError, ...] = ()
    files: tuple[FileFacts, ...] = ()
    tools: dict[str, str] = Field(default_factory=dict)
    """Name of a tool or library → its version."""

    @model_validator(mode="after")
    def _rows_are_unique(self) -> Self:
        seen: set[RowKey] = set()
        for row in self.rows:
            if row.key in seen:
                raise ValueError(f"two rows for {row.name}")
            seen.add(row.key)
        return self

    def device_of(self, row: Row) -> DeviceFacts | None:
        """The device that `row` ran on: the longest name that its target begins with."""
        fitting = [device for device in self.devices if row.target.startswith(f"{device.name}-")]
        return max(fitting, key=lambda device: len(device.name), default=None)

    def quantization_of(self, row: Row) -> QuantizationFacts | None:
        """How `row`'s file was quantised; None for a float row."""
        if row.precision == "float":
            return None
        made = (item for item in self.quantizations if (item.model, item.recipe) == (row.model, row.recipe))
        return next(made, None)

    def to_json(self) -> str:
        """Indented JSON with a newline at the end; keys in the models' order."""
        return self.model_dump_json(by_alias=True, indent=1) + "\n"


def save_results(results: Results, path: Path) -> None:
    """Write `results` as JSON, in one move. Raises OutputError."""
    write_text(path, results.to_json())


def load_results(path: Path) -> Results:
    """Read what `save_results` wrote. Raises InputError in one line: no file, no JSON, another schema, a bad value."""
    found = _read_object(path)
    schema = found.get("$schema")
    if schema != SCHEMA_ID:
        what = f"$schema is {schema!r}" if "$schema" in found else "there is no $schema key, so these are no results"
        raise InputError(str(path), what, accepted=SCHEMA_ID, hint="make it anew with `sepia bench` or `sepia run`")
    try:
        return Results.model_validate_json(json.dumps(found), strict=True)
    except ValidationError as error:
        raise InputError(str(path), "; ".join(list(_complaints(error, found))[:3])) from error


def _read_object(path: Path) -> dict[str, Any]:
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise InputError(str(path), "no such file", hint="`sepia bench` writes results.json") from error
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(str(path), f"cannot be read ({error})") from error
    if not text.strip():
        raise InputError(str(path), "is empty")
    try:
        found = json.loads(text)
    except json.JSONDecodeError as error:
        raise InputError(str(path), f"is not JSON, or was cut short ({error})") from error
    if not isinstance(found, dict):
        raise InputError(str(path), f"holds a JSON {type(found).__name__}", accepted="an object with $schema and rows")
    return found


def _complaints(error: ValidationError, found: dict[str, Any]) -> Iterator[str]:
    """Each problem as `place: what`, with the nearest known key for an unknown one."""
    for problem in error.errors():
        place = ".".join(str(part) for part in problem["loc"]) or "results"
        if problem["type"] == "extra_forbidden":
            owner = _OWNERS.get(str(problem["loc"][0]), Results) if len(problem["loc"]) > 1 else Results
            yield f"unknown key {place} ({nearest(str(problem['loc'][-1]), owner.model_fields)})"
        elif problem["type"] == "value_error":
            row = _row_name(problem["loc"], found)
            yield f"{row or place}: {problem['ctx']['error']}"
        else:
            yield f"{place}: {problem['msg']}"


def _row_name(location: tuple[int | str, ...], found: dict[str, Any]) -> str:
    match location:
        case ("rows", int(number)):
            row = found["rows"][number]
            return f"rows.{number} ({row.get('model')} {row.get('precision')} on {row.get('target')})"
    return ""


_OWNERS: dict[str, type[Fact]] = {
    "rows": Row,
    "models": ModelFacts,
    "devices": DeviceFacts,
    "quantizations": QuantizationFacts,
    "parity": Parity,
    "layer_errors": LayerError,
    "files": FileFacts,
}
