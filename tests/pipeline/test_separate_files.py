"""`sepia separate` as a step: what it writes, that it goes on, and every way to ask for the impossible."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from sepia.devices import at_each
from sepia.devices.place import Place
from sepia.errors import BoardError, ConfigError, InputError, ModelError
from sepia.files import digest
from sepia.pipeline import ModelFolder
from sepia.pipeline.separate_files import SeparateOptions, budget_macs, separate_files
from sepia.report.separation import to_text
from sepia.runtime import RUNTIMES
from torch import nn

from benchmarks.separating.digits import SHAPE, digits, trained

QUICK = SeparateOptions(budget="40%", steps=20, seconds=0)


def save(module: nn.Module, path: Path, shape: tuple[int, ...] = SHAPE) -> str:
    with torch.no_grad():
        torch.export.save(torch.export.export(module.eval(), (torch.zeros(*shape),)), path)
    return str(path)


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path]:
    """(.pt2 of the trained CNN, .npz of samples)."""
    folder = tmp_path_factory.mktemp("digits")
    np.savez(folder / "digits.npz", input=digits()[0].images[:400])
    return save(trained(epochs=6), folder / "digits.pt2"), folder / "digits.npz"


def test_a_budget_is_kept_and_everything_is_written(network: tuple[str, Path], tmp_path: Path) -> None:
    source, samples = network
    folder = ModelFolder(tmp_path / "out")
    told = separate_files(source, folder, replace(QUICK, calibrate=samples, seconds=0.05))
    assert 0.3 * told.before.macs < told.after.macs <= 0.4 * told.before.macs
    assert told.after.params < told.before.params and told.before.separable_share == 0 < told.after.separable_share
    assert told.with_repair is not None and told.with_repair.loss < told.without_repair.loss
    assert told.samples_seen == 320 and told.samples_held == 80
    saved = sum(row.macs_before - row.macs for row in told.layers)
    assert told.before.macs - told.after.macs == saved, "the graph's own count agrees with the formulas"
    assert told.before.p50_ms and told.after.p50_ms
    assert all(row.p50_us_before and row.p50_us for row in told.layers)
    names = {"model.pt2", "model.onnx", "model.tflite", "model.xml", "model.bin", "separation.json", "separation.html"}
    assert {path.name for path in folder.path.iterdir()} == names | {".separate"}
    assert json.loads((folder.path / "separation.json").read_text())["after"]["macs"] == told.after.macs
    images = digits()[1].images[:20]
    program = torch.export.load(folder.path / "model.pt2")
    with RUNTIMES["onnxruntime"].open(folder.path / "model.onnx") as session:
        for image in images:
            wanted = program.module()(torch.from_numpy(image[None])).detach().numpy()
            (found,) = session.run({"input": image[None]}).values()
            np.testing.assert_allclose(found, wanted, atol=1e-4 * np.abs(wanted).max())


def test_a_board_that_fails_is_told_and_loses_nothing(
    network: tuple[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lost(place: Place) -> None:
        raise BoardError(place.text, "no route to host", hint="is it switched on?")

    source, samples = network
    monkeypatch.setattr(at_each, "reach", lost)
    options = replace(QUICK, calibrate=samples, seconds=0.05, target="pi4@pi@nowhere.local")
    told = separate_files(source, ModelFolder(tmp_path), options, formats=["onnx"])
    assert told.target_failure.endswith("no route to host; next: is it switched on?")
    assert told.after.p50_ms is None and told.after.macs < told.before.macs
    assert json.loads((tmp_path / "separation.json").read_text())["target"] == "pi4@pi@nowhere.local"
    assert f"latency on pi4@pi@nowhere.local was not measured: {told.target_failure}" in to_text(told).splitlines()


def test_a_place_that_is_none_is_refused_before_anything_is_done(network: tuple[str, Path], tmp_path: Path) -> None:
    source, samples = network
    options = replace(QUICK, calibrate=samples, target="pi4")
    with pytest.raises(ConfigError, match=r"'pi4' is a kind of board; next: say where it is: pi4@DESTINATION"):
        separate_files(source, ModelFolder(tmp_path / "out"), options)
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
def test_on_an_emulated_core_instructions_are_told(network: tuple[str, Path], tmp_path: Path) -> None:
    source, samples = network
    options = replace(QUICK, calibrate=samples, seconds=0.05, target="pi4@emulator")
    told = separate_files(source, ModelFolder(tmp_path), options, formats=["onnx"])
    assert told.target_failure == "" and told.before.p50_ms is None
    assert told.before.instructions and told.after.instructions
    # Vectors of four: a multiplication is a quarter of an instruction, and moving what it reads is more.
    assert 0.2 < told.before.instructions / told.before.macs < 4
    assert "on one thread of pi4@emulator, ONNX Runtime, float: " in to_text(told)


def test_an_agreement_is_kept_on_samples_held_back(network: tuple[str, Path], tmp_path: Path) -> None:
    source, samples = network
    options = SeparateOptions(keep_accuracy=0.9, calibrate=samples, steps=20, seconds=0)
    told = separate_files(source, ModelFolder(tmp_path), options, formats=["onnx"])
    assert told.judged.agreement is not None and told.judged.agreement >= 0.9
    assert told.after.macs < 0.8 * told.before.macs
    assert told.after.macs == min(row.macs for row in told.tried if (row.agreement or 0) >= 0.9)


@pytest.mark.slow
def test_killed_at_any_moment_it_goes_on_to_the_same_bytes(network: tuple[str, Path], tmp_path: Path) -> None:
    """kill -9, wherever it is; then the same command again."""
    source, samples = network
    command = [
        sys.executable, "-m", "sepia", "separate", source, "--budget", "40%", "--calibrate", str(samples),
        "--steps", "400", "--seconds", "0", "--formats", "onnx",
    ]  # fmt: skip
    settings = os.environ | {"OMP_NUM_THREADS": "1"}

    def start(folder: Path) -> subprocess.Popen[bytes]:
        return subprocess.Popen([*command, "-o", str(folder)], env=settings, stdout=subprocess.DEVNULL)

    assert start(tmp_path / "whole").wait() == 0
    for number, last in enumerate(["losses.jsonl", "repair-"]):
        folder = tmp_path / f"cut{number}"
        process = start(folder)
        while process.poll() is None and not any(
            path.name.startswith(last) for path in folder.glob(".separate/*") if path.stat().st_size > 200
        ):
            time.sleep(0.02)
        assert process.poll() is None, "it was over before it could be killed"
        process.send_signal(signal.SIGKILL)
        process.wait()
        assert not (folder / "model.onnx").exists()
        assert start(folder).wait() == 0
        assert digest(folder / "model.onnx") == digest(tmp_path / "whole" / "model.onnx")
        told = [(place / "separation.json").read_text() for place in (folder, tmp_path / "whole")]
        assert told[0] == told[1]


@pytest.mark.parametrize(
    ("text", "macs"), [("120M", 120_000_000), ("0.3g", 300_000_000), ("2e8", 200_000_000), ("12.5%", 125), (" 7 ", 7)]
)
def test_a_budget_is_a_number_or_a_share(text: str, macs: int) -> None:
    assert budget_macs(text, 1000) == macs


@pytest.mark.parametrize("text", ["", "half", "-3M", "0", "50 %%", "3T"])
def test_what_is_no_budget_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="is no number of MACs"):
        budget_macs(text, 1000)


def refused(source: str, options: SeparateOptions, folder: Path) -> str:
    with pytest.raises((ConfigError, ModelError, InputError)) as caught:
        separate_files(source, ModelFolder(folder), options)
    assert not list(folder.glob("model.*"))
    return str(caught.value)


def test_goals_that_cannot_be(network: tuple[str, Path], tmp_path: Path) -> None:
    source, samples = network
    known = replace(QUICK, calibrate=samples)
    assert "takes one goal" in refused(source, SeparateOptions(), tmp_path)
    assert "takes one goal" in refused(source, replace(known, keep_accuracy=0.9), tmp_path)
    assert "is met already: " in refused(source, replace(known, budget="100%"), tmp_path)
    least = refused(source, replace(known, budget="1%"), tmp_path)
    assert "is out of reach: the least ranks of 4 layers give" in least and "and more" in least
    assert "is an ONNX file" in refused("net.onnx", known, tmp_path)


def test_nothing_to_gain_is_said_with_the_kinds(tmp_path: Path) -> None:
    np.save(tmp_path / "samples.npy", np.random.default_rng(0).normal(size=(10, 4, 8, 8)).astype(np.float32))
    known = replace(QUICK, calibrate=tmp_path / "samples.npy")
    deep = save(
        nn.Sequential(nn.Conv2d(4, 4, 3, groups=4), nn.Conv2d(4, 8, 3, groups=2)), tmp_path / "a.pt2", (1, 4, 8, 8)
    )
    assert "no standard convolution, and no 1×1 one (1 depthwise, 1 grouped)" in refused(deep, known, tmp_path)
    tiny = save(nn.Sequential(nn.Conv2d(4, 1, 1)), tmp_path / "b.pt2", (1, 4, 8, 8))
    assert "no rank of any of its layers saves MACs (1 pointwise)" in refused(tiny, known, tmp_path)
    none = save(nn.Sequential(nn.ReLU(), nn.Flatten(), nn.Linear(256, 3)), tmp_path / "c.pt2", (1, 4, 8, 8))
    assert "it has no convolution" in refused(none, known, tmp_path)
    maps = save(nn.Sequential(nn.Conv2d(4, 8, 3), nn.Flatten(0)), tmp_path / "d.pt2", (1, 4, 8, 8))
    asked = replace(known, budget=None, keep_accuracy=0.9)
    assert "has no output of classes" in refused(maps, asked, tmp_path)
    np.save(tmp_path / "two.npy", np.zeros((2, 4, 8, 8), np.float32))
    few = replace(known, calibrate=tmp_path / "two.npy")
    assert "too few samples to hold some back" in refused(maps, few, tmp_path)
