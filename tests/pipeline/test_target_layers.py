"""What was packed runs on a board, comes back, and one file that fails or crashes there does not stop the others."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from sepia.check.packed import Packed
from sepia.check.packed_layers import pack_layers
from sepia.devices.local import BENCH_PROGRAM
from sepia.devices.transport.local import LocalTransport
from sepia.errors import BoardError, RunError
from sepia.pipeline.target_layers import BoardRuntime, run_packed
from support.residual import RESIDUAL_INPUT, RESIDUAL_LAYERS, RESIDUAL_OUTPUT, residual_net

FOLDER = "~/.sepia/runs/test"

CRASHING = """
import json, os, signal, sys
for run in json.load(open(sys.argv[sys.argv.index("--list") + 1]))["runs"]:
    print("run 1 of 9: " + run["name"], file=sys.stderr, flush=True)
    if run["name"] in {names}:
        os.kill(os.getpid(), signal.{signal})
os.execv(sys.executable, [sys.executable, {bench}, *sys.argv[1:]])
"""


@pytest.fixture(scope="module")
def packed(tmp_path_factory) -> dict[str, Packed]:
    """The layers of the residual network for ONNX Runtime: three names → what was packed."""
    folder = tmp_path_factory.mktemp("packed")
    qdq = residual_net().save(folder / "net.onnx", RESIDUAL_OUTPUT)
    rng = np.random.default_rng(5)
    data = [{"image": rng.normal(0, 1, RESIDUAL_INPUT).astype(np.float32)} for _ in range(2)]
    layers = pack_layers(qdq, ["onnxruntime"], data, folder / "layers")
    assert len(layers) == len(RESIDUAL_LAYERS)
    return {f"layer{at}": each.packed for at, each in enumerate(layers[:3]) if each.packed is not None}


@pytest.fixture
def board(tmp_path, monkeypatch):
    """This machine with a home folder of its own."""
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    (tmp_path / "home").mkdir()
    with LocalTransport("board") as transport:
        yield transport


RUNTIME = BoardRuntime("onnxruntime", str(BENCH_PROGRAM))


def _crashing(folder: Path, names: set[str], by: str = "SIGSEGV") -> BoardRuntime:
    """bench.py on a board where some files crash the runtime."""
    program = folder / "bench.py"
    program.write_text(CRASHING.format(names=names, signal=by, bench=repr(str(BENCH_PROGRAM))))
    return BoardRuntime("onnxruntime", str(program))


def test_each_file_s_outputs_come_back(packed, board, tmp_path):
    found = run_packed(board, RUNTIME, packed, FOLDER, tmp_path / "back")

    assert list(found) == list(packed)
    for name, ran in found.items():
        assert (ran.failure, ran.counts) == ("", None)
        assert len(packed[name].read(ran.outputs)) == 2


def test_a_file_that_the_runtime_refuses_keeps_the_reason_and_the_others_go_on(packed, board, tmp_path):
    spoilt = tmp_path / "spoilt"
    shutil.copytree(packed["layer1"].folder, spoilt)
    (spoilt / packed["layer1"].model).write_bytes(b"no network")
    one = packed["layer1"]
    wrong = {**packed, "layer1": Packed(spoilt, one.model, one.samples, one.outputs)}

    found = run_packed(board, RUNTIME, wrong, FOLDER, tmp_path / "back")

    assert [bool(ran.failure) for ran in found.values()] == [False, True, False]
    assert "InvalidProtobuf" in found["layer1"].failure
    assert found["layer1"].outputs is None
    packed["layer2"].read(found["layer2"].outputs)


def test_a_file_that_crashes_the_runtime_is_named_and_the_others_run_again(packed, board, tmp_path):
    runtime = _crashing(tmp_path, {"layer1"})

    found = run_packed(board, runtime, packed, FOLDER, tmp_path / "back")

    assert "SIGSEGV" in found["layer1"].failure
    for name in ("layer0", "layer2"):
        packed[name].read(found[name].outputs)


def test_a_board_where_every_file_crashes_gives_each_its_reason(packed, board, tmp_path):
    found = run_packed(board, _crashing(tmp_path, set(packed), "SIGILL"), packed, FOLDER, tmp_path / "back")

    assert all("SIGILL" in ran.failure for ran in found.values())


def test_a_runtime_that_crashes_time_and_again_is_given_up(packed, board, tmp_path):
    many = {f"copy{at}": packed["layer0"] for at in range(5)}

    with pytest.raises(RunError, match=r"board: onnxruntime: .*SIGILL.* and others before it"):
        run_packed(board, _crashing(tmp_path, set(many), "SIGILL"), many, FOLDER, tmp_path / "back")


def test_what_ends_the_whole_run_is_no_file_s_fault(packed, board, tmp_path):
    with pytest.raises(RunError, match="told to end"):
        run_packed(board, _crashing(tmp_path, {"layer1"}, "SIGTERM"), packed, FOLDER, tmp_path / "back")


def test_a_runtime_that_is_not_there_is_one_reason_for_all(packed, board, tmp_path):
    missing = tmp_path / "bench.py"
    missing.write_text("import json; print(json.dumps({'error': 'ModuleNotFoundError: No module named onnxruntime'}))")

    with pytest.raises(RunError, match=r"board: onnxruntime: ModuleNotFoundError.*next: put it there anew"):
        run_packed(board, BoardRuntime("onnxruntime", str(missing)), packed, FOLDER, tmp_path / "back")


def test_a_lost_board_is_a_board_error(packed, tmp_path):
    closed = LocalTransport("board")
    closed.close()

    with pytest.raises(BoardError, match="board"):
        run_packed(closed, RUNTIME, packed, FOLDER, tmp_path / "back")
