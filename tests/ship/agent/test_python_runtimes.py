"""What is made of the measuring program's answers, by one that answers as the test likes."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest
from sepia.ship.agent import selftest
from sepia.ship.agent.manifest import Bounds
from sepia.ship.agent.place import Place
from sepia.ship.agent.selftest import Verdict
from support.unpacked_bundles import LIMITS, network_bundle

RIGHT: dict[str, Any] = {
    "golden": {
        "ok": True,
        "outputs": [{"output": "result", "ok": True, "rms": 0.1, "tolerance_rms": 0.2, "reason": ""}],
    },
    "latency": {"p50_ms": 7.0},
    "memory": {"peak_rss_bytes": 50_000_000},
    "disturbed": [],
}


def verdict(folder: Path, program: str, *, bounds: Bounds = LIMITS, deadline_s: float = 9.0, **place: Any) -> Verdict:
    bench = folder / "bench.py"
    bench.write_text(program, encoding="utf-8")
    bundle = network_bundle(folder / "1.0.0", "onnxruntime", bounds=bounds)
    return selftest.run(
        bundle.folder, bundle.manifest, Place(sys.executable, bench=str(bench), **place), deadline_s=deadline_s
    )


def answers(answer: object, code: int = 0) -> str:
    return f"import sys\nprint('noise', file=sys.stderr)\nprint({json.dumps(answer)!r})\nsys.exit({code})\n"


def test_the_figures_are_its_own(tmp_path: Path) -> None:
    told = verdict(tmp_path, answers(RIGHT))
    assert told.ok and (told.rms, told.p50_ms, told.rss_bytes) == (0.1, 7.0, 50_000_000)


def test_it_is_asked_for_this_file_with_these_threads(tmp_path: Path) -> None:
    asked = f"import json, sys\nopen({str(tmp_path / 'asked')!r}, 'w').write(' '.join(sys.argv[1:]))\n"
    assert verdict(tmp_path, asked + answers(RIGHT)).ok
    words = (tmp_path / "asked").read_text(encoding="utf-8")
    folder = tmp_path / "1.0.0"
    assert words.startswith(
        f"--runtime onnxruntime --model {folder / 'model.onnx'} --threads 1 --golden {folder / 'golden'} "
    )


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ({"error": "ValueError: Could not open"}, "onnxruntime: cannot run it: ValueError: Could not open"),
        ({}, "onnxruntime: the measuring program left out 'golden'"),
        (RIGHT | {"golden": None}, "onnxruntime: the measuring program left out"),
        (RIGHT | {"latency": {"p50_ms": "7"}}, "onnxruntime: told '7' for a number"),
        (RIGHT | {"latency": {"p50_ms": -7}}, "onnxruntime: told -7 for a number"),
        ([], "onnxruntime: the measuring program printed no JSON (noise)"),
        (
            RIGHT
            | {"golden": {"ok": False, "outputs": [{"output": "a", "ok": False, "rms": None, "reason": "not finite"}]}},
            "wrong output: output 'a': not finite",
        ),
        (
            RIGHT | {"golden": {"ok": True, "outputs": []}},
            "onnxruntime: there are no golden outputs to compare with",
        ),
    ],
)
def test_an_answer_that_is_wrong(tmp_path: Path, answer: object, reason: str) -> None:
    told = verdict(tmp_path, answers(answer))
    assert not told.ok and not told.worth_again and told.reason.startswith(reason)


@pytest.mark.parametrize(
    ("program", "reason"),
    [
        ("import os\nos.kill(os.getpid(), 11)\n", "onnxruntime: ended by SIGSEGV"),
        ("raise SystemExit('why')\n", "onnxruntime: exit code 1 (why)"),
        ("print('no JSON')\n", "onnxruntime: the measuring program printed no JSON"),
        (answers(RIGHT, 7), "onnxruntime: exit code 7 (noise)"),
        ("while True: print('x' * 1000)\n", "onnxruntime: wrote more than 1048576 bytes"),
    ],
)
def test_an_end_that_is_wrong(tmp_path: Path, program: str, reason: str) -> None:
    told = verdict(tmp_path, program)
    assert not told.ok and not told.worth_again and told.reason.startswith(reason)


def test_one_that_does_not_end(tmp_path: Path) -> None:
    told = verdict(tmp_path, "import time\ntime.sleep(100)\n", deadline_s=0.4)
    assert told.reason.startswith("onnxruntime: not done within 0.") and not told.worth_again


def test_a_runtime_that_is_not_installed_is_the_boards_matter(tmp_path: Path) -> None:
    told = verdict(tmp_path, answers({"error": "ModuleNotFoundError: No module named 'onnxruntime'"}, 1))
    assert told.worth_again
    assert told.reason.startswith("onnxruntime: is not on this board (ModuleNotFoundError: No module")


def test_so_is_a_python_that_is_not_there(tmp_path: Path) -> None:
    bundle = network_bundle(tmp_path / "1.0.0", "onnxruntime")
    told = selftest.run(bundle.folder, bundle.manifest, Place("/no/such/python", bench=__file__))
    assert told.worth_again and told.reason == "onnxruntime: '/no/such/python' is no program of this board"
    told = selftest.run(bundle.folder, bundle.manifest, Place(sys.executable, bench="/no/bench.py"))
    assert told.worth_again and told.reason == "onnxruntime: the measuring program '/no/bench.py' is missing"


def test_its_environment_leads_to_the_runtime(tmp_path: Path) -> None:
    folder = tmp_path / "runtime"
    folder.mkdir()
    (folder / "only_here.py").touch()
    program = "import only_here\n" + answers(RIGHT)
    assert not verdict(tmp_path, program).ok
    assert verdict(tmp_path, program, environment={"PYTHONPATH": str(folder)}).ok


def test_its_worst_output_is_told(tmp_path: Path) -> None:
    outputs = [
        {"output": "far off", "ok": True, "rms": 5.0, "tolerance_rms": 9.0, "reason": ""},
        {"output": "wrong", "ok": False, "rms": 0.3, "tolerance_rms": 0.2, "reason": "rms error above the tolerance"},
    ]
    told = verdict(tmp_path, answers(RIGHT | {"golden": {"ok": False, "outputs": outputs}}))
    assert told.reason == "wrong output: output 'wrong': rms error 0.3, at most 0.2" and told.rms == 0.3


@pytest.mark.parametrize(
    ("bounds", "reason"),
    [
        (Bounds(rss_bytes=49_000_000), "too much memory: 50.0 MB, at most 49.0 MB"),
        (Bounds(p50_ms=6.5), "too slow: p50 7 ms, at most 6.5 ms"),
        (Bounds(p50_ms=7.0, rss_bytes=50_000_000), ""),
    ],
)
def test_its_figures_are_held_to_the_bounds(tmp_path: Path, bounds: Bounds, reason: str) -> None:
    assert verdict(tmp_path, answers(RIGHT), bounds=bounds).reason == reason


@pytest.mark.parametrize("missing", ["latency", "memory"])
def test_a_bound_that_was_not_measured_is_not_kept(tmp_path: Path, missing: str) -> None:
    answer = RIGHT | {missing: {"p50_ms": None, "peak_rss_bytes": None}}
    assert verdict(tmp_path, answers(answer)).ok
    told = verdict(tmp_path, answers(answer), bounds=Bounds(100.0, 100_000_000))
    assert told.reason == f"its {missing} could not be measured"


@pytest.mark.parametrize(
    ("bounds", "words"),
    [
        (LIMITS, " --counted 1 --no-layers "),
        (Bounds(p50_ms=8.0), " --seconds 2.0 --warmup-seconds 3.0 "),
        (Bounds(rss_bytes=99_000_000), " --seconds 0.1 --warmup-seconds 0.1 "),
    ],
)
def test_a_bound_is_worth_more_seconds(tmp_path: Path, bounds: Bounds, words: str) -> None:
    asked = f"import sys\nopen({str(tmp_path / 'asked')!r}, 'w').write(' '.join(sys.argv[1:]))\n"
    verdict(tmp_path, asked + answers(RIGHT), bounds=bounds)
    assert words in (tmp_path / "asked").read_text(encoding="utf-8")


def test_memory_that_it_does_not_tell_is_seen_from_outside(tmp_path: Path) -> None:
    program = "import time\ntime.sleep(0.4)\n" + answers(RIGHT | {"latency": None, "memory": None})
    told = verdict(tmp_path, program)
    assert told.ok and told.p50_ms is None
    assert told.rss_bytes is not None and 1_000_000 < told.rss_bytes < 50_000_000
