"""`sepia explain` on a folder: files written, the text on stdout, what cannot be explained refused in one line."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from sepia.check.model_folder import ModelFolder
from sepia.cli.explain import command
from sepia.errors import InputError, QuantizeError
from sepia.pipeline.explain_files import explain_files
from sepia.pipeline.quantize_files import QuantizeOptions, quantize_files
from sepia.report.explained import load_explanation
from support.graphs import tiny_separable


@pytest.fixture
def samples(tmp_path: Path) -> Path:
    path = tmp_path / "samples.npz"
    np.savez(path, image=np.random.default_rng(0).normal(size=(6, 3, 16, 16)).astype(np.float32))
    return path


def quantised(folder: Path, samples: Path, recipe: str = "minmax") -> ModelFolder:
    folder.mkdir()
    (folder / "model.onnx").write_bytes(tiny_separable().SerializeToString())
    model = ModelFolder(folder)
    quantize_files(model, model, QuantizeOptions(recipe, samples), formats=("onnx",))
    return model


def test_folder_is_explained(tmp_path: Path, samples: Path) -> None:
    model = quantised(tmp_path / "net", samples)
    before = model.require("onnx", "int8").read_bytes()
    result = CliRunner().invoke(command, [str(model.path), "--calibrate", str(samples), "--samples", "4"])
    assert result.exit_code == 0, result.output
    assert "model.int8.onnx against model.onnx, recipe minmax: 4 samples of samples.npz" in result.stdout
    assert "weights alone" in result.stdout
    found = load_explanation(model.explanation)
    assert (found.samples, found.recipe, found.complete, found.lost) == (4, "minmax", True, ())
    assert "<h1>model.int8.onnx</h1>" in (model.path / "explanation.html").read_text(encoding="utf-8")
    assert model.require("onnx", "int8").read_bytes() == before


def test_json_on_stdout_is_the_file(tmp_path: Path, samples: Path) -> None:
    model = quantised(tmp_path / "net", samples)
    result = CliRunner().invoke(command, [str(model.path), "--calibrate", str(samples), "--samples", "2", "--json"])
    assert json.loads(result.stdout) == json.loads(model.explanation.read_text(encoding="utf-8"))


def test_file_of_an_unknown_recipe_is_explained(tmp_path: Path, samples: Path) -> None:
    model = quantised(tmp_path / "net", samples)
    model.quantization.unlink()
    assert explain_files(model, calibrate=samples, samples=2).recipe is None


def test_equalised_network_is_compared_with_what_was_quantised(tmp_path: Path, samples: Path) -> None:
    recipe = tmp_path / "even.toml"
    recipe.write_text('ranges = "minmax"\nbias_correction = "none"\nequalize = true\n')
    model = quantised(tmp_path / "net", samples, str(recipe))
    found = explain_files(model, calibrate=samples, samples=4)
    assert found.complete
    other = tmp_path / "other.npz"
    np.savez(other, image=np.zeros((6, 3, 16, 16), np.float32))
    with pytest.raises(QuantizeError, match=r"statistics of 'samples.npz \(6 samples\)'"):
        explain_files(model, calibrate=other, samples=4)


def test_without_an_int8_file_the_command_that_makes_one_is_told(tmp_path: Path) -> None:
    (tmp_path / "model.onnx").write_bytes(tiny_separable().SerializeToString())
    with pytest.raises(InputError, match="sepia quantize DIR"):
        explain_files(ModelFolder(tmp_path))
