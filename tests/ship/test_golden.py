"""Golden folders of bundles: the same files as for bench, and raw ones for a program."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from sepia.check.model_facts import model_facts
from sepia.check.model_folder import ModelFolder
from sepia.devices.target import Target
from sepia.errors import InputError
from sepia.ship.golden import SAMPLES, write_golden
from sepia.ship.network_files import NetworkFiles, Part, network_files


@pytest.fixture
def onnx(made_once: Path, tmp_path: Path) -> NetworkFiles:
    return network_files(ModelFolder(made_once), Target.parse("pi4-bookworm64-onnxruntime-t1"), tmp_path)


def _native(network: NetworkFiles) -> NetworkFiles:
    return replace(network, parts=(Part("model.native", network.parts[0].source, "program"),))


def test_a_programs_are_the_same_raw(made_once: Path, onnx: NetworkFiles, tmp_path: Path) -> None:
    folder = ModelFolder(made_once)
    facts = model_facts(folder.require("onnx", "int8"))
    packed = {part.path: part.source for part in write_golden(folder, onnx, facts, tmp_path / "a")}
    raw = {part.path: part.source for part in write_golden(folder, _native(onnx), facts, tmp_path / "b")}
    assert sorted(raw) == ["golden/inputs.bin", "golden/outputs.bin", "golden/tolerance.json"]
    for name in ("inputs", "outputs"):
        with np.load(packed[f"golden/{name}.npz"]) as file:
            (array,) = (file[key] for key in file.files)
        assert raw[f"golden/{name}.bin"].read_bytes() == array.astype("<f4").tobytes()
        assert len(array) == SAMPLES
    told = json.loads(raw["golden/tolerance.json"].read_text())
    (tolerance,) = json.loads(packed["golden/tolerance.json"].read_text())["rms"].values()
    assert told == {
        "rms": tolerance,
        "samples": SAMPLES,
        "input_bytes": 3 * 16 * 16 * 4,
        "output_bytes": 40,
        "output_dtype": "float32",
    }


def test_the_samples_may_be_the_users(made_once: Path, onnx: NetworkFiles, tmp_path: Path) -> None:
    data = np.arange(3 * 3 * 16 * 16, dtype=np.float32).reshape(3, 3, 16, 16) / 1000
    np.savez(tmp_path / "mine.npz", image=data)
    folder = ModelFolder(made_once)
    facts = model_facts(folder.require("onnx", "int8"))
    parts = write_golden(folder, onnx, facts, tmp_path / "a", data=tmp_path / "mine.npz")
    with np.load(parts[0].source) as file:
        assert np.array_equal(file["image"], data[[0, 1]])


def test_a_program_of_several_outputs_is_refused(made_once: Path, onnx: NetworkFiles, tmp_path: Path) -> None:
    folder = ModelFolder(made_once)
    facts = model_facts(folder.require("onnx", "int8"))
    with pytest.raises(InputError, match="has 2 outputs"):
        write_golden(folder, replace(_native(onnx), outputs=onnx.outputs * 2), facts, tmp_path / "a")
