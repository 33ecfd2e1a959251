"""This machine as a board: figures come back, and whatever goes wrong over there is one line here."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

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
    path.write_text(f"import os, signal, subprocess, sys, time\n{code}\n")
    monkeypatch.setattr(local, "BENCH_PROGRAM", path)


def gone(pid: int) -> bool:
    for _ in range(100):
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


def test_options_reach_the_program(model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program(monkeypatch, tmp_path, "import json; print(json.dumps({'told': sys.argv[1:]}))")
    told = local.bench(model, "litert", 3, golden=tmp_path, seconds=1.5)["told"]
    assert told == [
        "--runtime", "litert", "--model", str(model), "--threads", "3", "--seconds", "1.5", "--golden", str(tmp_path),
    ]  # fmt: skip


def test_a_refusal_is_the_runtimes_own_words(model: Path) -> None:
    model.write_bytes(b"not a model")
    with pytest.raises(RunError, match=r"tiny\.onnx in onnxruntime: InvalidProtobuf.*Protobuf parsing failed"):
        local.bench(model, "onnxruntime", seconds=0.05)


@pytest.mark.parametrize(
    ("code", "told"),
    [
        ("os.kill(os.getpid(), signal.SIGSEGV)", "was ended by SIGSEGV"),
        ("print('out of it', file=sys.stderr); os.kill(os.getpid(), signal.SIGKILL)",
         "was ended by SIGKILL: out of it; next: was there too little memory?"),
        ("print('first', file=sys.stderr); sys.exit('the reason')", "ended with code 1 and no result: the reason"),
        ("print('no json')", "ended with code 0 and no result"),
        ("print('[1, 2]')", "ended with code 0 and no result"),
        ("print('{\"error\": \"ValueError: a shape\"}'); sys.exit(1)", "ValueError: a shape"),
    ],
)  # fmt: skip
def test_a_process_that_fails_says_how(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: str, told: str
) -> None:
    program(monkeypatch, tmp_path, code)
    with pytest.raises(RunError) as failure:
        local.bench(model, "onnxruntime")
    assert told in str(failure.value)
    assert "\n" not in str(failure.value)


CHILD = "child = subprocess.Popen(['sleep', '600']); open('{}', 'w').write(str(child.pid)); time.sleep(600)"


def test_the_deadline_ends_it_and_its_children(model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program(monkeypatch, tmp_path, CHILD.format(tmp_path / "pid"))
    with pytest.raises(RunError, match="not done after 2 s"):
        local.bench(model, "onnxruntime", deadline_seconds=2)
    assert gone(int((tmp_path / "pid").read_text()))


def test_ctrl_c_ends_it_and_its_children(model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program(monkeypatch, tmp_path, CHILD.format(tmp_path / "pid"))
    real = subprocess.Popen.communicate

    def interrupted(self: Any, *rest: Any, **more: Any) -> Any:
        while not (tmp_path / "pid").exists() or not (tmp_path / "pid").read_text():
            time.sleep(0.02)
        signal.raise_signal(signal.SIGINT)
        return real(self, *rest, **more)

    monkeypatch.setattr(subprocess.Popen, "communicate", interrupted)
    with pytest.raises(KeyboardInterrupt):
        local.bench(model, "onnxruntime")
    assert gone(int((tmp_path / "pid").read_text()))


def test_what_cannot_be_started_is_refused_first(model: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        local.bench(tmp_path / "none.onnx", "onnxruntime")
    with pytest.raises(ConfigError, match="did you mean onnxruntime"):
        local.bench(model, "onnx-runtime")
