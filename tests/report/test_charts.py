"""The charts are what Vega-Lite takes: each compiles, and shows what it is about."""

from __future__ import annotations

import json
from typing import Any

import pytest
from sepia.report.chart_data import (
    error_records,
    instruction_records,
    layer_instruction_records,
    layer_records,
    memory_records,
    row_records,
)
from sepia.report.charts import (
    error_chart,
    instruction_chart,
    latency_chart,
    layer_chart,
    layer_instruction_chart,
    memory_chart,
)
from support.sample_results import sample

HOST = sample("lite0-host")
BOARDS = sample("lite0-boards")
NAMES = ["latency", "memory", "layers", "errors", "instructions", "layer_instructions"]


def _charts() -> dict[str, tuple[dict[str, Any], list[dict[str, Any]]]]:
    rows = row_records(HOST)
    counted = instruction_records(BOARDS)
    return {
        "instructions": (instruction_chart(list(dict.fromkeys(record["bar"] for record in counted))), counted),
        "layer_instructions": (
            layer_instruction_chart(),
            [record for record in layer_instruction_records(BOARDS) if record["id"] == 10],
        ),
        "latency": (latency_chart([row["engine"] for row in rows[::2]], 2), rows),
        "memory": (memory_chart("litert", ["start", "import", "load", "first", "steady"], 120), memory_records(HOST)),
        "layers": (layer_chart(), [record for record in layer_records(HOST) if record["id"] == 3]),
        "errors": (error_chart(["onnxruntime against float", "litert against float"]), error_records(HOST)),
    }


@pytest.mark.parametrize("name", NAMES)
def test_chart_compiles_and_draws(name: str) -> None:
    import vl_convert

    spec, records = _charts()[name]
    spec = spec | {"data": {"name": spec["data"]["name"], "values": records}, "width": 600}
    drawn = vl_convert.vegalite_to_svg(spec, vl_version="6.4")
    wanted = {
        "latency": ["7.18 ms", "5.94 ms   ✗ wrong outputs", "p50 latency [ms]", "tflite-runtime"],
        "memory": ["steady", "load"],
        "layers": ["pointwise", "depthwise", "time [ms]"],
        "instructions": ["62.9 M", "301.2 M   ✗ wrong", "pi5.emulator-bookworm64", "scalar"],
        "layer_instructions": ["multiply", "instructions [millions]"],
        "errors": ["litert against float", "layer, along the depth"],
    }
    for text in wanted[name]:
        assert text in drawn, text


@pytest.mark.parametrize("name", NAMES)
def test_charts_ask_for_no_address(name: str) -> None:
    text = json.dumps(_charts()[name][0] | {"$schema": ""})
    assert "http" not in text
    assert '"url"' not in text


@pytest.mark.parametrize("name", NAMES)
def test_fields_of_charts_are_fields_of_records(name: str) -> None:
    spec, records = _charts()[name]
    made = {item["as"] for item in spec.get("transform", []) if "as" in item}
    fields = set(_fields(spec["encoding"])) | {
        field for layer in spec.get("layer", [spec]) for field in _fields(layer["encoding"])
    }
    assert fields <= set(records[0]) | made


def _fields(encoding: object) -> list[str]:
    if isinstance(encoding, list):
        return [field for item in encoding for field in _fields(item)]
    if isinstance(encoding, dict):
        own = [encoding["field"]] if isinstance(encoding.get("field"), str) else []
        return own + [field for item in encoding.values() for field in _fields(item)]
    return []
