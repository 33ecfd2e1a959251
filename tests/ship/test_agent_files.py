"""What the agent consists of. pip is the real one, its index a folder of small wheels."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import pytest
import sepia
from sepia.devices.facts import BoardFacts
from sepia.errors import BoardError
from sepia.ship.agent_files import agent_files
from support.small_wheels import SmallWheels

MODULE = sys.modules["sepia.ship.agent_files"]
PURE = "py3-none-any"
BOARD = BoardFacts("armv6l", 32, "bookworm32", "2.36", "3.11.2", "/usr/bin/python3", "/home/pi", "pi", 1, 1, 1)
OF_TUF = ("tuf/__init__.py", "tuf-7.0.dist-info/licenses/LICENSE", "tuf/repository/__init__.py")
OF_URLLIB3 = ("urllib3/__init__.py", "urllib3/contrib/__init__.py", "urllib3/contrib/socks.py", "urllib3/a.pyi")


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SmallWheels:
    folder = tmp_path / "index"
    folder.mkdir()
    for name, text in (("PIP_NO_INDEX", "1"), ("PIP_FIND_LINKS", str(folder)), ("PIP_CONFIG_FILE", "/dev/null")):
        monkeypatch.setenv(name, text)
    monkeypatch.setattr(MODULE, "installed_version", lambda name: "7.0" if name == "tuf" else "2.0")
    wheels = SmallWheels(folder)
    wheels.add("securesystemslib", "2.0", PURE)
    wheels.add("urllib3", "2.0", PURE, dict.fromkeys(OF_URLLIB3, "1"))
    return wheels


def test_what_it_consists_of(index: SmallWheels, tmp_path: Path) -> None:
    index.add("tuf", "7.0", PURE, dict.fromkeys(OF_TUF, "1"))
    found = agent_files(BOARD, tmp_path / "cache")
    assert found.name.startswith(f"{sepia.__version__}-")
    assert {"run.py", "sepia_agent/__main__.py", "sepia_agent/update.py", "sepia_bench/bench.py"} <= found.files.keys()
    # Of each package only what is read, and its licence.
    assert {name for name in OF_TUF if name in found.files} == set(OF_TUF[:2])
    assert {name for name in OF_URLLIB3 if name in found.files} == set(OF_URLLIB3[:2])
    assert found.bytes == sum(path.stat().st_size for path in found.files.values())


def test_nothing_compiled_is_taken(index: SmallWheels, tmp_path: Path) -> None:
    """This machine's version has none for the board: the newest that has."""
    index.add("tuf", "7.0", "cp311-cp311-manylinux_2_28_aarch64")
    index.add("tuf", "6.5", PURE)
    index.add("tuf", "7.1", "cp311-cp311-linux_armv6l")
    found = agent_files(BOARD, tmp_path / "cache")
    assert found.files["tuf/__init__.py"].read_text() == f"tag = '{PURE}'\n"


def test_another_content_is_another_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names = set()
    for text in ("one", "one", "two"):
        (tmp_path / "a.py").write_text(text)
        monkeypatch.setattr(MODULE, "_packages", lambda python, cache: {"tuf/a.py": tmp_path / "a.py"})
        names.add(agent_files(BOARD).name)
    assert len(names) == 2


def test_too_old_a_python(tmp_path: Path) -> None:
    old = replace(BOARD, python="3.9.2", model="Raspberry Pi Zero W Rev 1.1")
    message = r"^Raspberry Pi Zero W Rev 1\.1: its Python is 3\.9\.2; accepted: 3\.10 or newer; next: flash a Raspberry"
    with pytest.raises(BoardError, match=message):
        agent_files(old, tmp_path / "cache")
    assert not (tmp_path / "cache").exists()
