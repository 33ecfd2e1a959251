"""The JSON schema of the results, published as `results.schema.json` beside this file."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Any

from .results import SCHEMA_ID, Results

__all__ = ["SCHEMA_FILE", "published_schema", "schema_text"]

SCHEMA_FILE = "results.schema.json"


def schema_text() -> str:
    """The schema as the models have it now: JSON Schema 2020-12, indented. A test holds the published file to it."""
    made = Results.model_json_schema(by_alias=True)
    dialect = "https://json-schema.org/draft/2020-12/schema"
    return json.dumps({"$schema": dialect, "$id": SCHEMA_ID, **made}, indent=1, ensure_ascii=False) + "\n"


def published_schema() -> dict[str, Any]:
    """The schema as it is shipped."""
    found: dict[str, Any] = json.loads(files(__package__).joinpath(SCHEMA_FILE).read_text(encoding="utf-8"))
    return found
