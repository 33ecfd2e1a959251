"""Programs from memory: what they read, and what becomes of one that gives no answer."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from sepia.devices.transport import Ran
from sepia.devices.transport.program import boot, ending, run_program, sent
from sepia.errors import BoardError

PROGRAM = Path("probe.py")


class Answering:
    """A transport on which every command ends in one way."""

    name = "pi4"
    how = "measured"

    def __init__(self, code: int, out: str = "", err: str = "") -> None:
        self.ran = Ran(code, out.encode(), err, 0.1)

    def run(self, command: list[str], *, stdin: Any, deadline: float, guarded: bool) -> Ran:
        return self.ran


def outcome(tmp_path: Path, *how: Any) -> str:
    program = tmp_path / PROGRAM
    program.touch()
    try:
        return str(run_program(Answering(*how), program, {}, deadline=1))  # type: ignore[arg-type]
    except BoardError as error:
        return str(error)


@pytest.mark.parametrize(
    ("how", "told"),
    [
        ((0, "Hello from .bashrc\n{'a'\n{\"a\": 1}\n\n"), "{'a': 1}"),
        ((0, "[1]\n"), "pi4: probe.py ended without an answer; next: does its login shell hand standard output on?"),
        ((1, '{"error": "is full", "hint": "free some"}\n'), "pi4: is full; next: free some"),
        ((0, '{"error": "is full"}\n'), "pi4: is full"),
        ((1, '{"a": 1}', "Traceback\n  line\nOSError: odd\n"), "pi4: probe.py ended with code 1: OSError: odd"),
        (
            (127, "", "sh: 1: python3: not found"),
            "pi4: has no Python: 'python3' was not found; next: install it there:",
        ),
        ((1, "", "its Python is too old: 3.7.3\n"), "pi4: its Python is too old: 3.7.3; next: Python 3.9 or newer"),
        (
            (132, "", "Illegal instruction"),
            "pi4: probe.py was ended by SIGILL: Illegal instruction; next: what runs there",
        ),
        ((-9,), "pi4: probe.py was ended by SIGKILL; next: was there too little memory?"),
        ((-11,), "pi4: probe.py was ended by SIGSEGV"),
    ],
)
def test_how_it_ends(tmp_path: Path, how: tuple[Any, ...], told: str) -> None:
    assert outcome(tmp_path, *how).startswith(told)


def test_an_odd_code_is_a_code() -> None:
    assert ending(Ran(250, b"", "", 0.1)) == ("ended with code 250", "")


def test_a_program_cut_short_is_not_run(tmp_path: Path) -> None:
    program = tmp_path / "remove.py"
    program.write_text(f"open({str(tmp_path / 'ran')!r}, 'w')\nprint('the rest')\n", encoding="utf-8")
    whole = b"".join(sent(program, {}))
    until_second_line = whole.index(b"print")
    done = subprocess.run(boot(sys.executable), input=whole[:until_second_line], capture_output=True, check=False)
    assert done.returncode == 1
    assert b"cut short" in done.stderr
    assert not (tmp_path / "ran").exists()


def test_what_is_after_the_program_is_left_to_it(tmp_path: Path) -> None:
    program = tmp_path / "raw.py"
    program.write_text("import os\nos.write(1, os.read(0, 100000))\n", encoding="utf-8")
    done = subprocess.run(
        boot(sys.executable), input=b"".join(sent(program, {"a": 1}, [b"pay", b"load"])), capture_output=True
    )
    assert done.stdout == b'{"a": 1}\npayload'


def test_every_login_shell_hands_the_command_on() -> None:
    for word in boot():
        assert not set(word) & set("\\!\n`")
