"""Measuring on a board: what is asked of it, which attempt counts, and how a run that failed is told."""

from __future__ import annotations

import json
import signal
from typing import Any

import pytest
from sepia.devices.measure import Job, Measured, measure
from sepia.devices.transport import Ran
from sepia.errors import BoardError, RunError
from support.fake_board import FakeBoard, said

JOB = Job("litert", 4, "/home/pi/.sepia/bench/1/bench.py", "/home/pi/.sepia/runs/1/model.int8.tflite")
BUSY = "other processes used 0.42 of a core"
HOT = "held back by the firmware: throttled"


def attempt(number: int, *disturbed: str, hot: bool = False, slow: Any = None, events: int | None = None) -> Ran:
    watch = {"throttled": ["throttled"] if hot else None, "throttle_events": events, "slow": slow}
    return said({"number": number, "disturbed": list(disturbed), "watch": watch})


def paused(settled: bool = True) -> Ran:
    return said({"settled": settled, "seconds": 1.0, "celsius": None, "disturbed": [] if settled else [BUSY]})


# --- what is asked ------------------------------------------------------------------------------------------------


def test_a_quiet_run_is_one_guarded_command_and_nothing_else() -> None:
    board = FakeBoard([attempt(1)])
    found = measure(board, JOB, seconds=2.0)
    assert (found.bench["number"], found.attempts, found.disturbed, found.earlier) == (1, 1, (), ())
    assert board.asked == [
        ["python3", JOB.program, "--runtime", "litert", "--model", JOB.model, "--threads", "4", "--seconds", "2",
         "--deadline", "306"]
    ]  # fmt: skip
    assert board.more == [{"deadline": 336.0, "environment": {}, "guarded": True}]


def test_all_of_a_job_reaches_the_program() -> None:
    job = Job(
        "litert", 1, "b.py", "m.tflite", python="/usr/bin/python3.11", golden="g", environment={"PYTHONPATH": "/x"},
        kernels="builtin", counted=2,
    )  # fmt: skip
    board = FakeBoard([attempt(1)])
    measure(board, job, seconds=0.5, deadline=60.0)
    (command,) = board.asked
    assert command[:2] == ["/usr/bin/python3.11", "b.py"]
    assert command[command.index("--deadline") :] == [
        "--deadline", "60", "--golden", "g", "--kernels", "builtin", "--counted", "2",
    ]  # fmt: skip
    assert board.more[0]["environment"] == {"PYTHONPATH": "/x"}


# --- attempts -----------------------------------------------------------------------------------------------------


def test_a_disturbed_run_is_repeated_after_a_pause_and_kept_apart() -> None:
    board = FakeBoard([attempt(1, BUSY), paused(), attempt(2)])
    told: list[str] = []
    found = measure(board, JOB, seconds=3.0, say=told.append)
    assert (found.bench["number"], found.disturbed, found.attempts) == (2, (), 2)
    assert [earlier["number"] for earlier in found.earlier] == [1]
    assert board.asked[1] == ["python3", JOB.program, "--settle", "6"]
    assert told == [f"pi4: model.int8.tflite in litert: {BUSY}; measures again after a pause"]


def test_what_stays_disturbed_is_marked_after_two_repeats() -> None:
    board = FakeBoard([attempt(1, BUSY), paused(), attempt(2, BUSY), paused(), attempt(3, BUSY)])
    found = measure(board, JOB)
    assert (found.bench["number"], found.attempts, found.disturbed) == (3, 3, (BUSY,))
    assert not board.answers
    assert found.told == {**found.bench, "attempts": 3, "earlier": list(found.earlier)}


@pytest.mark.parametrize("answer", [paused(settled=False), said("", code=-9)])
def test_where_no_quiet_comes_there_is_no_third_attempt(answer: Ran) -> None:
    board = FakeBoard([attempt(1, BUSY), answer, attempt(2, BUSY)])
    assert measure(board, JOB).attempts == 2


def test_repeats_can_be_left_out() -> None:
    assert measure(FakeBoard([attempt(1, BUSY)]), JOB, repeats=0).disturbed == (BUSY,)


@pytest.mark.parametrize(
    "hot", [{"hot": True}, {"slow": {"mhz": 600.0, "sustained_mhz": 1800.0}}, {"events": 3}], ids=str
)
def test_a_board_that_was_held_back_is_given_time_to_cool(hot: dict[str, Any]) -> None:
    board = FakeBoard([attempt(1, HOT, **hot), paused(), attempt(2)])
    measure(board, JOB, seconds=3.0)
    assert board.asked[1][2:] == ["--settle", "6", "--cool-to", "50", "--cool-within", "120"]


@pytest.mark.parametrize(
    ("seconds", "hot", "patience"), [(0.1, False, "1"), (60.0, False, "30"), (0.1, True, "10"), (1.0, True, "40")]
)
def test_a_pause_is_as_long_as_the_measuring_is_worth(seconds: float, hot: bool, patience: str) -> None:
    board = FakeBoard([attempt(1, HOT, hot=hot), paused(), attempt(2)])
    measure(board, JOB, seconds=seconds)
    assert board.asked[1][-1] == patience
    assert board.more[1] == {"deadline": float(patience) + 30, "environment": {}, "guarded": True}


# --- failures -----------------------------------------------------------------------------------------------------


def failure(*answers: Ran | Exception) -> str:
    with pytest.raises(RunError) as raised:
        measure(FakeBoard(list(answers)), JOB, deadline=90.0)
    told = str(raised.value)
    assert told.startswith("pi4: model.int8.tflite in litert: ")
    assert "\n" not in told
    return told.removeprefix("pi4: model.int8.tflite in litert: ")


@pytest.mark.parametrize(
    ("code", "told"),
    [
        (-signal.SIGKILL, "was killed (SIGKILL), most likely for want of memory: the last words; next: end other"),
        (137, "was killed (SIGKILL), most likely for want of memory"),
        (-signal.SIGILL, "met an instruction that this processor does not have (SIGILL): its build is for"),
        (132, "next: see what can run there: sepia devices show pi4"),
        (-signal.SIGSEGV, "crashed (SIGSEGV): the last words; next: run it again; if it happens again, this runtime"),
        (-signal.SIGBUS, "crashed (SIGBUS)"),
        (-signal.SIGABRT, "crashed (SIGABRT)"),
        (-signal.SIGALRM, "was not done after 90 s: the last words; next: give it more time"),
        (-signal.SIGTERM, "was told to end (SIGTERM), as in a shutdown"),
        (127, "could not be started: the last words; next: put it there anew: sepia devices provision pi4 --verify"),
        (1, "bench.py ended with code 1 and no result: the last words"),
        (0, "bench.py ended with code 0 and no result"),
    ],
)  # fmt: skip
def test_how_it_ended_is_told_in_one_line_with_what_next(code: int, told: str) -> None:
    err = "first\nthe last words\nINFO: Created TensorFlow Lite XNNPACK delegate for CPU.\n"
    assert told in failure(said("", code=code, err=err))


@pytest.mark.parametrize(
    ("reason", "hint"),
    [
        ("ModuleNotFoundError: No module named 'ai_edge_litert'", "sepia devices provision pi4 --verify"),
        ("ImportError: libcblas.so.3: cannot open shared object file: No such file or directory",
         "sepia devices provision pi4 --verify"),
        ("ImportError: /lib/libc.so.6: version `GLIBC_2.34' not found (required by x.so)", "flash a newer one"),
        ("ImportError: x.so: wrong ELF class: ELFCLASS64", "sepia devices provision pi4 --verify"),
        ("MemoryError: no reason given", "use the int8 file or fewer threads"),
        ("RuntimeException: std::bad_alloc", "use the int8 file or fewer threads"),
        ("FileNotFoundError: [Errno 2] No such file or directory: 'golden/inputs.npz'", "sends the files again"),
        ("OSError: [Errno 5] Input/output error", "its card may be failing"),
    ],
)  # fmt: skip
def test_a_reason_of_its_own_is_told_with_what_next(reason: str, hint: str) -> None:
    told = failure(said({"error": reason}, code=1))
    assert told.startswith(reason)
    assert hint in told


def test_a_reason_that_nobody_foresaw_is_told_as_it_is() -> None:
    assert failure(said({"error": "ValueError: a shape"}, code=1)) == "ValueError: a shape"


def test_a_program_that_is_not_there_is_told() -> None:
    err = "python3: can't open file '/home/pi/.sepia/bench/1/bench.py': [Errno 2] No such file or directory"
    assert "put it there anew: sepia devices provision pi4" in failure(said("", code=2, err=err))


def test_a_result_before_a_crash_is_none() -> None:
    ran = Ran(-signal.SIGSEGV, json.dumps({"number": 1, "disturbed": []}).encode(), "", 1.0)
    assert "crashed (SIGSEGV)" in failure(ran)


def test_a_repeat_that_fails_is_not_passed_over() -> None:
    assert "SIGKILL" in failure(attempt(1, BUSY), paused(), said("", code=-9))


def test_what_a_login_shell_prints_before_is_passed_over() -> None:
    answer = Ran(0, b'Welcome!\n{"number": 7, "disturbed": []}\n', "", 1.0)
    assert measure(FakeBoard([answer]), JOB) == Measured({"number": 7, "disturbed": []})


@pytest.mark.parametrize("answers", [[], [attempt(1, BUSY)], [attempt(1, BUSY), paused()]])
def test_a_board_that_is_lost_ends_it(answers: list[Ran | Exception]) -> None:
    lost = BoardError("pi4", "the link to it was lost")
    with pytest.raises(BoardError, match="link to it was lost"):
        measure(FakeBoard([*answers, lost]), JOB)
