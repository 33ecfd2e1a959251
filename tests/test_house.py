"""The house rules that no linter holds: front doors, packaging, sizes."""

from __future__ import annotations

import ast
import importlib
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

HOUSE = Path(__file__).resolve().parents[1]
NOT_ROOMS = {"tests", "benchmarks", "docs", "build", "site"}
ROOMS = sorted(
    path.parent.relative_to(HOUSE)
    for path in HOUSE.rglob("__init__.py")
    if not any(part in NOT_ROOMS or part.startswith(".") for part in path.relative_to(HOUSE).parts)
)
SOURCES = [path for room in ROOMS for path in (HOUSE / room).glob("*.py")]


def module(path: Path) -> str:
    return ".".join(["sepia", *path.parts])


@pytest.mark.parametrize("room", ROOMS, ids=str)
def test_a_front_door_opens_with_a_paragraph_and_names_what_exists(room: Path) -> None:
    found = importlib.import_module(module(room))
    assert found.__doc__ and len(found.__doc__) > 60
    missing = [name for name in getattr(found, "__all__", []) if not hasattr(found, name)]
    assert missing == []


def test_packaging_lists_every_room() -> None:
    listed = tomllib.loads((HOUSE / "pyproject.toml").read_text())["tool"]["setuptools"]["packages"]
    assert sorted(listed) == sorted(module(room) for room in ROOMS)


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(HOUSE)))
def test_a_file_is_one_idea(path: Path) -> None:
    text = path.read_text()
    if path.name != "bench.py":  # one file on purpose: it is copied to boards alone
        assert len(text.splitlines()) <= 400
    assert path.stem not in {"utils", "helpers", "common", "core", "misc"}
    tree = ast.parse(text)
    assert ast.get_docstring(tree), "a file says what its idea is"
    asserts = [node.lineno for node in ast.walk(tree) if isinstance(node, ast.Assert)]
    assert asserts == []


def test_the_wheel_holds_the_rooms_alone(tmp_path: Path) -> None:
    # From a copy: setuptools leaves a build/ folder where it builds.
    copy = tmp_path / "house"
    shutil.copytree(HOUSE, copy, ignore=shutil.ignore_patterns(".*", "build", "*.egg-info", "__pycache__"))
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "-w", str(tmp_path), str(copy)]
    subprocess.run(command, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("sepia_edge-*.whl")
    names = [Path(name) for name in zipfile.ZipFile(wheel).namelist()]
    rooms = {name.parts[1] for name in names if name.parts[0] == "sepia" and len(name.parts) > 2}
    assert rooms == {room.parts[0] for room in ROOMS if room.parts}
    assert {name.parts[0] for name in names if not name.parts[0].endswith(".dist-info")} == {"sepia"}
