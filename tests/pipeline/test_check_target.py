"""A board's runtimes compared with this machine's: this machine as the board, right and wrong on purpose."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner
from sepia.check.model_folder import ModelFolder
from sepia.cli import check as cli_check
from sepia.devices.local import BENCH_PROGRAM
from sepia.devices.place import parse_place
from sepia.devices.transport.local import LocalTransport
from sepia.errors import ConfigError
from sepia.inputs.calibration import CalibrationData
from sepia.pipeline import check_target as module
from sepia.pipeline.check_target import CheckedTarget, Parity, check_target, parity_on
from sepia.pipeline.target_layers import BoardRuntime
from support.float_and_int8 import float_and_int8, noise

WRONG = """
import json, os, subprocess, sys
import numpy as np
ended = subprocess.run([sys.executable, {bench}, *sys.argv[1:]], check=True).returncode
listed = sys.argv[sys.argv.index("--list") + 1]
for run in json.load(open(listed))["runs"]:
    path = os.path.join(os.path.dirname(listed), run["outputs"])
    found = {{name: array.copy() for name, array in np.load(path).items()}}
    for array in found.values():
        if array.dtype.itemsize == 1:
            array.view(np.uint8).reshape(-1)[0] ^= 4
    np.savez(path, **found)
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> ModelFolder:
    from sepia.export.onnx_to_tflite import onnx_to_tflite

    made = ModelFolder(tmp_path_factory.mktemp("net"))
    _, int8 = float_and_int8(made.path)
    onnx_to_tflite(int8.path, made.path / "model.int8.tflite", io="int8")
    return made


@pytest.fixture
def board(tmp_path, monkeypatch):
    """This machine with a home folder of its own."""
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    (tmp_path / "home").mkdir()
    with LocalTransport("board") as transport:
        yield transport


def _parity(board, folder: ModelFolder, program: Path, *runtimes: str) -> Parity:
    artifacts = [artifact for artifact in folder.artifacts() if artifact.precision == "int8"]
    data = CalibrationData("noise", True, 2, lambda: iter(noise(2)))
    return parity_on(board, [BoardRuntime(name, str(program)) for name in runtimes], folder, artifacts, data)


def test_this_machine_as_a_board_agrees_and_nothing_is_left_there(board, folder, tmp_path):
    parity = _parity(board, folder, BENCH_PROGRAM, "onnxruntime", "litert")

    assert parity.agrees
    assert {row.runtime for row in parity.layers} == {"onnxruntime", "litert"}
    assert all(row.here is not None and row.here.equal == row.here.codes > 0 for row in parity.layers)
    assert all(row.reference.max_lsb <= 1 for row in parity.layers)
    assert [(row.runtime, row.file) for row in parity.networks] == [
        ("onnxruntime", "model.int8.onnx"),
        ("litert", "model.int8.tflite"),
    ]
    assert all(row.difference is not None and row.difference.identical for row in parity.networks)
    assert not [path for path in (tmp_path / "home" / ".sepia").rglob("*") if path.is_file()]


def test_a_board_that_computes_otherwise_is_seen_in_every_layer(board, folder, tmp_path):
    program = tmp_path / "bench.py"
    program.write_text(WRONG.format(bench=repr(str(BENCH_PROGRAM))))

    parity = _parity(board, folder, program, "litert")

    assert not parity.agrees
    apart = {(row.here.codes - row.here.equal, row.here.max_lsb) for row in parity.layers if row.here is not None}
    assert apart == {(1, 4)}
    (verdict,) = parity.verdicts
    assert list(verdict.broken) == [row.layer for row in parity.layers]
    (network,) = parity.networks
    assert network.difference is not None
    assert network.difference.values - network.difference.equal == 1


def test_what_was_found_is_told_as_text_and_json(board, folder):
    parity = _parity(board, folder, BENCH_PROGRAM, "litert")
    found = CheckedTarget("pi4-bookworm64", "measured", "noise", {}, parity)

    text = found.to_text()
    assert "pi4-bookworm64, layer by layer" in text
    assert "as rounding explains" in text
    assert "model.int8.tflite    identical, first class agrees 100%" in text
    told = json.loads(json.dumps(found.to_json()))
    assert told["agrees"] is True
    assert told["networks"][0]["difference"]["identical"] is True
    assert len(told["layers"]) == len(parity.layers)
    assert told["layers"][0]["here"]["max_lsb"] == 0


def test_this_machine_is_no_target(folder):
    with pytest.raises(ConfigError, match="host: is this machine; next: leave --target out"):
        check_target(folder, parse_place("host"))


@pytest.mark.parametrize(("agrees", "code"), [(True, 0), (False, 1)])
def test_the_command_prints_what_was_found_and_exits_by_it(folder, monkeypatch, agrees, code):
    class Found:
        def __init__(self) -> None:
            self.agrees = agrees

        def to_json(self):
            return {"agrees": agrees}

        def to_text(self):
            return "told"

    asked = {}

    def fake(where, place, **options):
        asked.update(options, where=where.path, place=place.text)
        return Found()

    monkeypatch.setattr(module, "check_target", fake)
    words = [str(folder.path), "--target", "pi4@emulator", "--runtime", "litert", "--samples", "3", "--json"]
    ran = CliRunner().invoke(cli_check.command, words)

    assert ran.exit_code == code
    assert json.loads(ran.stdout) == {"agrees": agrees}
    assert (asked["where"], asked["place"], asked["runtimes"], asked["samples"]) == (
        folder.path,
        "pi4@emulator",
        ("litert",),
        3,
    )
