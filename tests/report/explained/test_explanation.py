"""`explanation.json`: written and read alike, held to a published schema, refused in one line."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest
import sepia.report
from pydantic import ValidationError
from sepia.errors import InputError
from sepia.report.explained import load_explanation, save_explanation
from sepia.report.explained.explanation import explanation_schema
from support.sample_explanation import sample_explanation

SCHEMA = Path(sepia.report.__file__).parent / "explanation.schema.json"


def test_what_is_written_is_read(tmp_path: Path) -> None:
    path = tmp_path / "explanation.json"
    save_explanation(sample_explanation(), path)
    assert load_explanation(path) == sample_explanation()


def test_published_schema_is_the_models_own(request: pytest.FixtureRequest) -> None:
    if request.config.getoption("--regen"):
        SCHEMA.write_text(explanation_schema(), encoding="utf-8")
    assert SCHEMA.read_text(encoding="utf-8") == explanation_schema(), "run pytest --regen and read the diff"


def test_written_file_fits_the_schema(tmp_path: Path) -> None:
    path = tmp_path / "explanation.json"
    save_explanation(sample_explanation(), path)
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    written = json.loads(path.read_text(encoding="utf-8"))
    jsonschema.validate(written, schema)
    written["layers"][0]["shar"] = 1
    with pytest.raises(jsonschema.ValidationError, match="shar"):
        jsonschema.validate(written, schema)


def test_worst_first_and_unit() -> None:
    assert [row.layer for row in sample_explanation().worst_first] == ["block.dw", "image", "stem.conv"]
    assert sample_explanation().unit == 1.14
    assert sample_explanation(outputs=2 * sample_explanation().outputs).unit == 1.0


def test_parts_that_do_not_make_the_whole_are_told() -> None:
    assert sample_explanation().complete
    assert not sample_explanation(rebuilt=0.1).complete


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("{", "is no explanation"),
        ('{"$schema": "urn:sepia:results:1"}', r"\$schema: Input should be 'urn:sepia:explanation:1'"),
    ],
)
def test_what_is_no_explanation_is_refused(tmp_path: Path, text: str, told: str) -> None:
    path = tmp_path / "explanation.json"
    path.write_text(text)
    with pytest.raises(InputError, match=told):
        load_explanation(path)


def test_no_file_says_what_makes_one(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="sepia explain DIR"):
        load_explanation(tmp_path / "none.json")


def test_lists_of_several_lengths_are_refused() -> None:
    row = sample_explanation().layers[0]
    broken = row.model_copy(update={"by_channel": {"low": (0.0,), "high": (1.0, 2.0)}})
    with pytest.raises(ValidationError, match="several lengths"):
        sample_explanation(layers=(broken,))
