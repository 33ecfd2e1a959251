"""A peer's environment is made once for its pins."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from benchmarks.environments import PINS, python_of


@pytest.fixture
def commands(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    said: list[list[str]] = []

    def run(command: list[object], **_: Any) -> None:
        said.append([str(word) for word in command])
        if "venv" in said[-1]:
            Path(said[-1][-1]).mkdir(parents=True, exist_ok=True)

    monkeypatch.setattr(subprocess, "run", run)
    return said


def test_no_environment_is_this_python(tmp_path: Path) -> None:
    assert python_of("", tmp_path) == Path(sys.executable)


def test_an_environment_is_made_once_and_again_when_its_pins_change(
    tmp_path: Path, commands: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    python = python_of("nncf", tmp_path)
    assert python == tmp_path / "nncf" / "bin" / "python"
    assert commands[-1][-2:] == ["-r", str(PINS / "nncf.txt")]
    made = len(commands)
    assert python_of("nncf", tmp_path) == python
    assert len(commands) == made
    pins = tmp_path / "pins"
    pins.mkdir()
    (pins / "nncf.txt").write_text("nncf==0\n", encoding="utf-8")
    monkeypatch.setattr("benchmarks.environments.PINS", pins)
    python_of("nncf", tmp_path)
    assert len(commands) > made


@pytest.mark.parametrize("environment", ["litert", "nncf", "onnxruntime"])
def test_every_pin_is_exact_and_none_is_a_framework_that_is_not_wanted(environment: str) -> None:
    lines = (PINS / f"{environment}.txt").read_text(encoding="utf-8").splitlines()
    pins = dict(line.split("==") for line in lines if not line.startswith("#"))
    assert pins["torch"] == "2.13.0"
    assert not {"tensorflow", "torchvision"} & {name.lower() for name in pins}
