"""`sepia quantize --recipe auto`: what is on stdout, what is left on the disk, and the exit code."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from sepia.cli import main
from support.graphs import tiny_separable


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "model.onnx").write_bytes(tiny_separable().SerializeToString())
    np.save(tmp_path / "data.npy", np.random.default_rng(1).normal(0, 1, (10, 3, 16, 16)).astype(np.float32))
    return tmp_path


def run(folder: Path, *options: str) -> int:
    with pytest.raises(SystemExit) as ended:
        main(["quantize", str(folder), "--calibrate", str(folder / "data.npy"), "--formats", "onnx", *options])
    return int(str(ended.value.code))


def test_a_goal_reached(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert run(folder, "--recipe", "auto", "--max-loss", "50") == 0
    said = capfd.readouterr().out
    assert "recipe auto" in said
    assert "asked: a loss of at most 50 % of the output's spread, on 2 samples held back" in said
    assert "kept: fast, the first that is good enough" in said
    assert json.loads((folder / "quantization.json").read_text())["climb"]["chosen"] == "fast"


def test_a_goal_missed_is_an_error_of_one_line_and_the_best_is_kept(
    folder: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert run(folder, "--recipe", "auto", "--max-loss", "0", "--json") == 1
    said = capfd.readouterr()
    climb = json.loads(said.out)["climb"]
    assert climb["reached"] is False
    assert climb == json.loads((folder / "quantization.json").read_text())["climb"]
    assert (folder / "model.int8.onnx").is_file()
    last = said.err.splitlines()[-1]
    assert last.startswith(f"sepia: {folder / 'model.int8.onnx'}: no recipe keeps the loss to 0 % of the output's")
    assert last.endswith(
        f"next: its files are written; leave layers in float with --recipe {climb['chosen']} --mixed, "
        "allow more with --max-loss, or calibrate on more samples"
    )


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--recipe", "auto"], "--recipe auto: does not say how much may be lost; accepted: --max-loss X"),
        (["--max-loss", "3"], "--max-loss: is not for the recipe 'default'; accepted: --recipe auto"),
        (["--labels"], "--labels: is not for the recipe 'default'; accepted: --recipe auto"),
        (["--recipe", "auto", "--max-loss", "-1"], "Invalid value for '--max-loss'"),
        (["--recipe", "auto", "--max-loss", "1", "--labels"], "data.npy: has no labels; accepted: a labelled folder"),
    ],
)
def test_options_that_do_not_go_together(
    options: list[str], told: str, folder: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert run(folder, *options) == 1
    assert told in capfd.readouterr().err
    assert not (folder / "model.int8.onnx").exists()
