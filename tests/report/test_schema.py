"""The published schema is the models' own, and says of files what the models say."""

from __future__ import annotations

import json
import re
from pathlib import Path

import jsonschema
import pytest
import sepia.report
from sepia.report.schema import SCHEMA_FILE, field_table, published_schema, schema_text
from support.sample_results import SAMPLES


def test_published_schema_is_the_models_own(request: pytest.FixtureRequest) -> None:
    path = Path(sepia.report.__file__).parent / SCHEMA_FILE
    if request.config.getoption("--regen"):
        path.write_text(schema_text(), encoding="utf-8")
    assert path.read_text(encoding="utf-8") == schema_text(), "the models changed: run pytest --regen, read the diff"


def test_published_schema_is_a_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(published_schema())


@pytest.mark.parametrize("name", ["lite0-host", "lite0-pi4", "lite0-boards"])
def test_samples_fit_the_schema(name: str) -> None:
    jsonschema.validate(json.loads((SAMPLES / f"{name}.json").read_text()), published_schema())


@pytest.mark.parametrize(("key", "value"), [("how", "guessed"), ("latncy_ms", 3.0), ("top1", 1.5), ("latency_ms", 0)])
def test_schema_refuses_what_the_models_refuse(key: str, value: object) -> None:
    written = json.loads((SAMPLES / "lite0-host.json").read_text())
    written["rows"][0][key] = value
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(written, published_schema())


def test_every_key_is_described() -> None:
    """Whoever reads the schema alone finds the unit or the meaning of each figure that has a unit."""
    row = published_schema()["$defs"]["Row"]["properties"]
    for key in ("rms", "agreement", "latency_ms", "load_ms", "arena_bytes", "file_bytes", "float_layers"):
        assert row[key].get("description"), key


def test_page_of_the_schema_has_a_table_for_every_record() -> None:
    page = (Path(sepia.report.__file__).parents[1] / "docs" / "reference" / "results.md").read_text(encoding="utf-8")
    shown = {name.replace("-", "") for name in re.findall(r"<!-- table: results-([a-z-]+) -->", page)}
    assert shown == {name.lower() for name in ("Results", *published_schema()["$defs"])}


def test_field_table_says_type_bounds_and_meaning() -> None:
    lines = field_table("Row").splitlines()
    assert "| `how` *(required)* | `measured`, `emulated`, `predicted` |  |" in lines
    assert "| `latency_ms` | number > 0 or null | Median (p50) of one inference, after warm-up. |" in lines
    assert "| `memory` | list of PhaseMemory | Memory by phase, in order. |" in lines
    assert any(line.startswith("| `agreement` | number ≥ 0, ≤ 1 or null | Share of images") for line in lines)
    assert "| `$schema` | `urn:sepia:results:1` |" in field_table("Results")
