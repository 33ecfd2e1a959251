"""Results as JSON: what is written is read back, and what cannot be read is told in one line."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError
from sepia.errors import InputError, OutputError
from sepia.report import Results, load_results, save_results
from sepia.report.results import Calibration, DeviceFacts, QuantizationFacts
from support.sample_results import SAMPLES, make_row, sample


@pytest.mark.parametrize("name", ["lite0-host", "lite0-pi4"])
def test_written_and_read_back_is_the_same(tmp_path: Path, name: str) -> None:
    save_results(sample(name), tmp_path / "results.json")
    assert load_results(tmp_path / "results.json") == sample(name)


def test_file_says_its_schema_and_null_for_unknown(tmp_path: Path) -> None:
    save_results(Results(rows=(make_row(),)), tmp_path / "results.json")
    written = json.loads((tmp_path / "results.json").read_text())
    assert next(iter(written.items())) == ("$schema", "urn:sepia:results:1")
    assert written["rows"][0]["top1"] is None
    assert written["rows"][0]["float_layers"] is None


def test_two_rows_of_one_key_are_refused() -> None:
    with pytest.raises(ValidationError, match=r"two rows for tiny\.tflite\.int8 on host-debian12-litert-t1"):
        Results(rows=(make_row(), make_row(latency_ms=3.0)))


def _refusal(path: Path) -> str:
    with pytest.raises(InputError) as caught:
        load_results(path)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_missing_file(tmp_path: Path) -> None:
    assert "results.json: no such file" in _refusal(tmp_path / "results.json")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "is empty"),
        ("[1, 2", "is not JSON, or was cut short"),
        ("[]", "holds a JSON list"),
        ("{}", "no $schema key"),
        ('{"$schema": "urn:sepia:results:9"}', "$schema is 'urn:sepia:results:9'; accepted: urn:sepia:results:1"),
        ('{"$schema": "urn:sepia:results:1", "row": []}', "unknown key row (did you mean rows?)"),
        ('{"$schema": "urn:sepia:results:1", "rows": 3}', "rows: "),
    ],
)
def test_file_that_is_no_results(tmp_path: Path, text: str, told: str) -> None:
    path = tmp_path / "results.json"
    path.write_text(text)
    assert told in _refusal(path)


def test_bytes_that_are_no_text(tmp_path: Path) -> None:
    path = tmp_path / "results.json"
    path.write_bytes(b"\xff\xfe\x00\x00")
    assert "cannot be read" in _refusal(path)


def test_truncated_file(tmp_path: Path) -> None:
    path = tmp_path / "results.json"
    path.write_text((SAMPLES / "lite0-host.json").read_text()[:5000])
    assert "cut short" in _refusal(path)


def _spoil(row: dict[str, Any], key: str, value: object) -> None:
    row[key] = value


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (lambda row: _spoil(row, "latncy_ms", 3.0), "unknown key rows.5.latncy_ms (did you mean latency_ms"),
        (lambda row: _spoil(row, "top1", 0.9), "rows.5 (efficientnet-lite0 int8 on host-debian12-openvino-t1): "),
        (lambda row: _spoil(row, "threads", "1"), "rows.5.threads: "),
        (lambda row: row.pop("how"), "rows.5.how: Field required"),
        (lambda row: _spoil(row["memory"][0], "rss", 3), "unknown key rows.5.memory.0.rss"),
    ],
)
def test_wrong_value_names_its_place(tmp_path: Path, spoil: Callable[[dict[str, Any]], object], told: str) -> None:
    written = json.loads((SAMPLES / "lite0-host.json").read_text())
    spoil(written["rows"][5])
    path = tmp_path / "results.json"
    path.write_text(json.dumps(written))
    assert told in _refusal(path)


def test_folder_in_the_place_of_the_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "results.json").mkdir()
    with pytest.raises(OutputError):
        save_results(Results(), tmp_path / "results.json")


def test_device_of_a_row_is_the_longest_name_that_fits() -> None:
    devices = (DeviceFacts(name="host"), DeviceFacts(name="host-debian12"), DeviceFacts(name="host-debian1"))
    results = Results(devices=devices, rows=(make_row(),))
    found = results.device_of(results.rows[0])
    assert found is not None
    assert found.name == "host-debian12"
    assert Results().device_of(make_row()) is None
    assert Results(devices=(DeviceFacts(name="host-debian1"),)).device_of(make_row()) is None


def test_quantization_of_a_row_is_that_of_its_model_and_recipe() -> None:
    made = tuple(
        QuantizationFacts(model="tiny", recipe=recipe, calibration=Calibration(name=recipe, count=3))
        for recipe in ("default", "mse")
    )
    results = Results(quantizations=(*made, QuantizationFacts(model="tiny")))
    assert results.quantization_of(make_row(recipe="mse")) == made[1]
    assert results.quantization_of(make_row(recipe="entropy")) is None
    assert results.quantization_of(make_row(precision="float")) is None
