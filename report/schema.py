"""The JSON schema of the results, published as `results.schema.json` beside this file."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Any

from .results import SCHEMA_ID, Results

__all__ = ["SCHEMA_FILE", "field_table", "published_schema", "schema_text"]

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


def field_table(name: str) -> str:
    """The keys of one record as a Markdown table, out of the published schema: key, type, meaning.

    name: "Results" or one of the definitions, "Row", "Conditions", …
    """
    schema = published_schema()
    record = schema if name == schema["title"] else schema["$defs"][name]
    lines = ["| key | type | meaning |", "| --- | --- | --- |"]
    for key, field in record["properties"].items():
        needed = " *(required)*" if key in record.get("required", ()) else ""
        meaning = " ".join(field.get("description", "").split()).replace("|", "\\|")
        lines.append(f"| `{key}`{needed} | {_type(field)} | {meaning} |")
    return "\n".join(lines)


def _type(field: dict[str, Any]) -> str:
    if "anyOf" in field:
        return " or ".join(_type(choice) for choice in field["anyOf"])
    if "$ref" in field:
        return str(field["$ref"]).rpartition("/")[2]
    if "enum" in field:
        return ", ".join(f"`{word}`" for word in field["enum"])
    if "const" in field:
        return f"`{field['const']}`"
    if field.get("type") == "array":
        return f"list of {_type(field.get('items', {}))}"
    return _bounded(field)


def _bounded(field: dict[str, Any]) -> str:
    words = {"minimum": "≥", "exclusiveMinimum": ">", "maximum": "≤"}
    bounds = [f"{sign} {field[key]:g}" for key, sign in words.items() if key in field]
    return " ".join([str(field.get("type", "any")), ", ".join(bounds)]).strip()
