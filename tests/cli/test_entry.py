"""The front of the command line: exit codes, one line for a user's error, and a quick start."""

from __future__ import annotations

import subprocess
import sys

import click
import pytest
from sepia.cli import main as front
from sepia.cli.entry import COMMANDS
from sepia.errors import InputError

HEAVY = ("torch", "onnxruntime", "openvino", "ai_edge_litert", "onnx", "onnx_ir", "skimage", "PIL", "numpy", "rich")


def sepia(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "sepia", *arguments], capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    "statement", ["import sepia", "from sepia.cli.entry import _exit_code; _exit_code(['--help'])"]
)
def test_the_start_loads_nothing_heavy(statement: str) -> None:
    code = f"{statement}\nimport sys; print([name for name in {HEAVY} if name in sys.modules])"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.splitlines()[-1] == "[]"


def test_every_command_has_a_file_and_help() -> None:
    for name in COMMANDS:
        context = click.Context(click.Command("sepia"))
        found = sepia(name, "--help")
        assert found.returncode == 0, (context, name, found.stderr)
        assert found.stdout.startswith(f"Usage: sepia {name}")


def test_a_misspelt_command_is_one_line() -> None:
    found = sepia("exprt")
    assert (found.returncode, found.stdout) == (1, "")
    assert found.stderr == "sepia: no command 'exprt' (did you mean export or report or separate?)\n"


def test_a_misspelt_option_is_one_line() -> None:
    found = sepia("run", "--jsn")
    assert found.returncode == 1
    assert len(found.stderr.splitlines()) == 1
    assert "--json" in found.stderr


@pytest.mark.parametrize(
    ("raised", "code", "says"),
    [
        (InputError("here", "is broken", hint="mend it"), 1, "sepia: here: is broken; next: mend it\n"),
        (KeyboardInterrupt(), 130, "sepia: stopped"),
        (ZeroDivisionError("a bug"), 2, "ZeroDivisionError: a bug"),
    ],
)
def test_exit_codes(monkeypatch: pytest.MonkeyPatch, capsys, raised: BaseException, code: int, says: str) -> None:  # type: ignore[no-untyped-def]
    def fails(*_: object, **__: object) -> None:
        raise raised

    monkeypatch.setattr("sepia.cli.entry._sepia.main", fails)
    with pytest.raises(SystemExit) as stop:
        front([])
    assert stop.value.code == code
    assert says in capsys.readouterr().err
