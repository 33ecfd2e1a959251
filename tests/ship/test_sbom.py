"""The bill of materials keeps to CycloneDX 1.6's own schema, names every file, and is the same for the same content."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from sepia.files import digest
from sepia.ship.agent.archive import unpack
from sepia.ship.agent.manifest import File
from sepia.ship.bundle import make_bundle
from sepia.ship.sbom import PATH, sbom_json

FILES = (File("golden/inputs.npz", 3, "a" * 64, "golden"), File("model.int8.tflite", 5, "b" * 64, "network"))
ORIGIN = {"source": "nets.py:tiny", "weights": None, "tools": {"numpy": "2.1.0", "python": "3.11.7", "zig": "0.15.1"}}


def _bill(**changes: Any) -> str:
    given: dict[str, Any] = {
        "model": "lite0",
        "version": "1.0.0",
        "target": "pi4-bookworm64-litert-t4",
        "runtime": "litert",
        "files": FILES,
        "provenance": ORIGIN,
    }
    return sbom_json(**given | changes)


def test_it_keeps_to_the_schema() -> None:
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(_bill()) is None
    spoilt = _bill().replace('"type": "file"', '"type": "fiel"')
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(spoilt) is not None


def test_it_names_every_file_with_its_digest_the_runtime_and_the_tools() -> None:
    told = json.loads(_bill())
    assert told["specVersion"] == "1.6"
    files = {part["name"]: part["hashes"] for part in told["components"] if part["type"] == "file"}
    assert files == {file.path: [{"alg": "SHA-256", "content": file.sha256}] for file in FILES}
    assert [part["name"] for part in told["components"] if part["type"] == "framework"] == ["litert"]
    root = told["metadata"]["component"]
    assert (root["name"], root["version"], root["type"]) == ("lite0", "1.0.0", "machine-learning-model")
    assert {"name": "sepia:source", "value": "nets.py:tiny"} in root["properties"]
    tools = {tool["name"]: tool.get("purl") for tool in told["metadata"]["tools"]["components"]}
    assert tools == {"numpy": "pkg:pypi/numpy@2.1.0", "python": None, "zig": None}


def test_nothing_in_it_is_of_the_hour_or_of_chance() -> None:
    assert _bill() == _bill()
    told = json.loads(_bill())
    assert "timestamp" not in told["metadata"]
    assert re.fullmatch(
        r"urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", told["serialNumber"]
    )


@pytest.mark.parametrize(
    "change",
    [
        {"version": "1.0.1"},
        {"target": "pi5-bookworm64-litert-t4"},
        {"files": FILES[:1]},
        {"provenance": {**ORIGIN, "tools": {"numpy": "2.1.1"}}},
    ],
    ids=lambda change: next(iter(change)),
)
def test_another_content_has_another_serial_number(change: dict[str, Any]) -> None:
    assert json.loads(_bill(**change))["serialNumber"] != json.loads(_bill())["serialNumber"]


def test_a_bundles_own_is_valid_and_names_all_but_itself(made_once: Path, tmp_path: Path) -> None:
    bundle = make_bundle(made_once, "pi4-bookworm64-litert-t4", "1.0.0", tmp_path)
    unpack(bundle.path, tmp_path / "folder")
    text = (tmp_path / "folder" / PATH).read_text(encoding="utf-8")
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None
    told = {
        part["name"]: part["hashes"][0]["content"] for part in json.loads(text)["components"] if part["type"] == "file"
    }
    others = {file.path for file in bundle.manifest.files} - {PATH}
    assert told == {path: digest(tmp_path / "folder" / path) for path in others}
