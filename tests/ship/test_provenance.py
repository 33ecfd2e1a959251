"""Where a network came from: digests, recipe and tools, and nothing of somebody's machine."""

from __future__ import annotations

import importlib.metadata
import platform
from pathlib import Path

import pytest
from sepia.check.model_folder import ModelFolder
from sepia.errors import InputError
from sepia.files import digest
from sepia.ship.provenance import provenance
from support.model_folders import write_results


def test_it_tells_digests_recipe_and_tools(made_once: Path) -> None:
    told = provenance(ModelFolder(made_once), None, {"zig": "0.15.1"})
    assert told["onnx"] == {"float": digest(made_once / "model.onnx"), "int8": digest(made_once / "model.int8.onnx")}
    quantization = told["quantization"]
    assert (quantization["recipe"], quantization["activations"]) == ("fast", "uint8")
    assert quantization["calibration"]["count"] == 4
    assert quantization["sha256"] == digest(made_once / "quantization.json")
    assert told["tools"]["zig"] == "0.15.1" and told["tools"]["python"] == platform.python_version()
    assert told["tools"]["onnxruntime"] == importlib.metadata.version("onnxruntime")
    assert (told["source"], told["weights"]) == (None, None)


@pytest.mark.parametrize(
    ("source", "told"),
    [("/home/jo/nets.py:tiny", "nets.py:tiny"), ("C:\\nets\\a.onnx", "a.onnx"), ("mobilenet-v2", "mobilenet-v2")],
)
def test_a_source_is_named_without_its_folder(model_folder: Path, source: str, told: str) -> None:
    results = write_results(model_folder)
    changed = results.model_copy(update={"models": (results.models[0].model_copy(update={"source": source}),)})
    found = provenance(ModelFolder(model_folder), changed, {})
    assert (found["source"], found["weights"]) == (told, "random")


def test_a_network_that_somebody_else_quantised_has_no_recipe(model_folder: Path) -> None:
    (model_folder / "quantization.json").unlink()
    assert provenance(ModelFolder(model_folder), None, {})["quantization"] is None


@pytest.mark.parametrize("text", ["", "{", "[]"])
def test_a_record_that_is_spoilt_is_told(model_folder: Path, text: str) -> None:
    (model_folder / "quantization.json").write_text(text)
    with pytest.raises(InputError, match=r"quantization\.json: .*next: make it anew with"):
        provenance(ModelFolder(model_folder), None, {})
