from __future__ import annotations

import os
from pathlib import Path

import pytest
from sepia.ship.agent import health
from support.ended import ends


@pytest.mark.parametrize(
    ("words", "ok", "reason", "last_line"),
    [
        (["true"], True, "", ""),
        (["sh", "-c", "echo fine"], True, "", "fine"),
        (["sh", "-c", "echo fine; echo but slow >&2"], True, "", "but slow"),
        (["sh", "-c", "echo no picture; exit 3"], False, "sh: exit code 3 (no picture)", "no picture"),
        (["sh", "-c", "kill -SEGV $$"], False, "sh: ended by SIGSEGV", ""),
        (["/no/such/command"], False, "/no/such/command: cannot be started (No such file or directory)", ""),
        ([], False, "no command is given", ""),
    ],
)
def test_what_the_command_says(tmp_path: Path, words: list[str], ok: bool, reason: str, last_line: str) -> None:
    told = health.check(words, folder=tmp_path, deadline_s=10)
    assert (told.ok, told.reason, told.last_line) == (ok, reason, last_line)


def test_one_that_hangs_has_a_deadline_and_takes_its_children_along(tmp_path: Path) -> None:
    told = health.check(["sh", "-c", "sleep 100 & echo $! > pid; wait"], folder=tmp_path, deadline_s=0.3)
    assert told.reason == "sh: not done within 0.3 s"
    assert ends(int((tmp_path / "pid").read_text(encoding="ascii")))


def test_words_stand_before_it(tmp_path: Path) -> None:
    told = health.check(["one", "two"], folder=tmp_path, run_with=("echo", "before"))
    assert told.last_line == "before one two"


def test_it_is_the_operators_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With our environment, in the folder it is given, and not niced: what it asks is the application."""
    monkeypatch.setenv("OPERATORS_OWN", "kept")
    words = ["sh", "-c", "echo $OPERATORS_OWN $SEPIA_VERSION $(pwd) $(nice)"]
    told = health.check(words, folder=tmp_path, told={"SEPIA_VERSION": "1.2.0"})
    assert told.last_line == f"kept 1.2.0 {tmp_path} {os.nice(0)}"


def test_its_input_is_empty(tmp_path: Path) -> None:
    assert health.check(["cat"], folder=tmp_path, deadline_s=10).ok


def test_one_that_prints_without_end(tmp_path: Path) -> None:
    assert health.check(["yes"], folder=tmp_path).reason.startswith("yes: wrote more than 16777216 bytes")
