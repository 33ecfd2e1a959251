"""This machine as a board: figures come back, and whatever goes wrong over there is one line here."""

from __future__ import annotations

import json
import os
import signal
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from sepia.devices import local
from sepia.errors import ConfigError, InputError, RunError
from support.tiny_models import TinyModel, write_onnx

WEIGHTS = TinyModel.drawn()


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return write_onnx(WEIGHTS, tmp_path / "tiny.onnx")


def program(monkeypatch: pytest.MonkeyPatch, folder: Path, code: str) -> None:
    """Put `code` in the place of bench.py."""
    path = folder / "other_bench.py"
    path.write_text(f"import json, os, signal, subprocess, sys, time\n{code}\n")
    monkeypatch.setattr(local, "BENCH_PROGRAM", path)


def gone(pid: int) -> bool:
    for _ in range(200):
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        if (Path("/proc") / str(pid) / "stat").read_text().rpartition(")")[2].split()[0] == "Z":
            return True
        time.sleep(0.05)
    return False


def test_figures_and_the_check_of_outputs_come_back(model: Path, tmp_path: Path) -> None:
    image = TinyModel.photo()
    golden = tmp_path / "golden"
    golden.mkdir()
    np.savez(golden / "inputs.npz", image=image)
    np.savez(golden / "outputs.npz", result=WEIGHTS.reference(image))
    (golden / "tolerance.json").write_text(json.dumps({"rms": 1e-5}))
    told = local.bench(model, "onnxruntime", 2, golden=golden, seconds=0.05)
    assert told["latency"]["p50_ms"] > 0
    assert (told["golden"]["ok"], told["threads"], told["model"]) == (True, 2, "tiny.onnx")
    assert (told["attempts"], told["earlier"]) == (len(told["earlier"]) + 1, told["earlier"])


def test_options_reach_the_program(model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program(monkeypatch, tmp_path, "print(json.dumps({'told': sys.argv[1:], 'disturbed': []}))")
    told = local.bench(model, "litert", 3, golden=tmp_path, seconds=1.5, deadline_seconds=20)["told"]
    assert told == [
        "--runtime", "litert", "--model", str(model), "--threads", "3", "--seconds", "1.5", "--deadline", "20",
        "--golden", str(tmp_path),
    ]  # fmt: skip


DISTURBED = """
if '--settle' in sys.argv:
    print('{"settled": true}')
else:
    open('tries', 'a').write('x')
    busy = len(open('tries').read()) < 2
    watch = {'throttled': None, 'throttle_events': None, 'slow': None}
    print(json.dumps({'disturbed': ['others'] if busy else [], 'watch': watch}))
"""


def test_a_disturbed_run_is_repeated_here_too(model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program(monkeypatch, tmp_path, DISTURBED)
    monkeypatch.chdir(tmp_path)
    said: list[str] = []
    told = local.bench(model, "onnxruntime", say=said.append)
    assert (told["disturbed"], told["attempts"], told["earlier"][0]["disturbed"]) == ([], 2, ["others"])
    assert said == ["this machine: tiny.onnx in onnxruntime: others; measures again after a pause"]
    (tmp_path / "tries").unlink()
    told = local.bench(model, "onnxruntime", repeats=0)
    assert (told["disturbed"], told["attempts"]) == (["others"], 1)


def test_a_refusal_is_the_runtimes_own_words(model: Path) -> None:
    model.write_bytes(b"not a model")
    with pytest.raises(RunError, match=r"tiny\.onnx in onnxruntime: InvalidProtobuf.*Protobuf parsing failed"):
        local.bench(model, "onnxruntime", seconds=0.05)


def test_an_environment_of_its_own_is_free_of_the_users_packages(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program(monkeypatch, tmp_path, "print(json.dumps({'path': sys.path, 'flags': sys.flags[:], 'disturbed': []}))")
    monkeypatch.setattr(local, "interpreter", lambda: Path(os.sys.executable))  # type: ignore[attr-defined]
    monkeypatch.setattr(local, "runtime_named", lambda name: type("Any", (), {"version": lambda self: "1"})())
    monkeypatch.setenv("PYTHONPATH", "/of/the/user")
    assert "/of/the/user" not in local.bench(model, "tflite-runtime")["path"]
    assert "/of/the/user" in local.bench(model, "litert")["path"]


@pytest.mark.parametrize(
    "code",
    ['print(\'{"error": "ImportError: No module named x"}\'); sys.exit(1)', "os.kill(os.getpid(), signal.SIGILL)"],
)
def test_what_next_is_no_command_for_boards(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: str
) -> None:
    program(monkeypatch, tmp_path, code)
    with pytest.raises(RunError, match=r"next: install that runtime anew$"):
        local.bench(model, "onnxruntime")


CHILD = "child = subprocess.Popen(['sleep', '600']); open('{}', 'w').write(str(child.pid)); "
FOR_EVER = "signal.setitimer(signal.ITIMER_REAL, float(sys.argv[sys.argv.index('--deadline') + 1])); time.sleep(600)"


def test_the_deadline_ends_it_and_its_children(model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program(monkeypatch, tmp_path, CHILD.format(tmp_path / "pid") + FOR_EVER)
    with pytest.raises(RunError, match="not done after 2 s"):
        local.bench(model, "onnxruntime", deadline_seconds=2)
    assert gone(int((tmp_path / "pid").read_text()))


def test_a_program_that_outlives_its_deadline_is_ended(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program(monkeypatch, tmp_path, CHILD.format(tmp_path / "pid") + "time.sleep(600)")
    monkeypatch.setattr("sepia.devices.measure._ON_THE_WAY_S", 1.0)
    with pytest.raises(RunError, match=r"tiny\.onnx in onnxruntime: .* was not done after 2 s"):
        local.bench(model, "onnxruntime", deadline_seconds=1)
    assert gone(int((tmp_path / "pid").read_text()))


def test_ctrl_c_ends_it_and_its_children(model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program(monkeypatch, tmp_path, CHILD.format(tmp_path / "pid") + "time.sleep(600)")
    main = threading.main_thread().ident
    assert main is not None

    def interrupt() -> None:
        for _ in range(600):
            if (tmp_path / "pid").exists() and (tmp_path / "pid").read_text():
                signal.pthread_kill(main, signal.SIGINT)
                return
            time.sleep(0.05)

    pressing = threading.Thread(target=interrupt)
    pressing.start()
    with pytest.raises(KeyboardInterrupt):
        local.bench(model, "onnxruntime")
    pressing.join()
    assert gone(int((tmp_path / "pid").read_text()))


def test_what_cannot_be_started_is_refused_first(model: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        local.bench(tmp_path / "none.onnx", "onnxruntime")
    with pytest.raises(ConfigError, match="did you mean onnxruntime"):
        local.bench(model, "onnx-runtime")
