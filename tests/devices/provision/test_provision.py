"""Runtimes on boards: small ones on this machine, real ones on emulated ARM boards, where they are imported."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from sepia.devices.facts import BoardFacts
from sepia.devices.probe import probe
from sepia.devices.provision import provision, push_program, remove
from sepia.devices.transport.local import LocalTransport
from sepia.devices.transport.ssh import SSHTransport
from sepia.errors import BoardError
from support.arm_board import ArmBoard
from support.small_wheels import SmallWheels

ARM = "cp311-cp311-manylinux_2_28_aarch64"


@pytest.fixture
def runtimes(index: SmallWheels) -> None:
    for release in ("1.32.0", "2.3.0"):
        index.add("onnxruntime", release, ARM)
        index.add("ai-edge-litert", release, ARM)


@pytest.mark.usefixtures("runtimes")
def test_twice(board: LocalTransport, home: Path, tmp_path: Path, pi4: BoardFacts) -> None:
    both = ("onnxruntime", "litert")
    first = provision(board, pi4, both, cache=tmp_path / "cache")
    assert list(first) == list(both)
    assert all(one.pushed for one in first.values())
    for name, module in (("onnxruntime", "onnxruntime"), ("litert", "ai_edge_litert")):
        ran = board.run(
            ["python3", "-c", f"import {module}; print({module}.__path__)"],
            deadline=60,
            environment=first[name].environment,
        )
        assert str(home) in ran.out.decode()
    again = provision(board, pi4, both, verify=True, cache=tmp_path / "cache")
    assert again == {name: replace(one, pushed=False) for name, one in first.items()}


@pytest.mark.usefixtures("runtimes")
def test_spoilt_on_the_board(board: LocalTransport, tmp_path: Path, pi4: BoardFacts) -> None:
    found = provision(board, pi4, ["onnxruntime"], cache=tmp_path / "cache")["onnxruntime"]
    spoilt = Path(found.folder) / "onnxruntime/__init__.py"
    before = spoilt.read_bytes()
    spoilt.write_bytes(before[::-1])
    assert provision(board, pi4, ["onnxruntime"], verify=True, cache=tmp_path / "cache")["onnxruntime"].pushed
    assert spoilt.read_bytes() == before


def test_refused_before_anything_is_fetched(board: LocalTransport, home: Path, tmp_path: Path, pi4: BoardFacts) -> None:
    narrow = replace(pi4, machine="armv7l", bits=32, system="bookworm32", debian_architecture="armhf")
    with pytest.raises(BoardError, match=r"^kitchen: .*onnxruntime.*32-bit"):
        provision(board, narrow, ["tflite-runtime", "onnxruntime"], cache=tmp_path / "cache")
    assert list(home.iterdir()) == []
    assert not (tmp_path / "cache").exists()


def test_measuring_program(board: LocalTransport, home: Path) -> None:
    program = Path(push_program(board))
    assert program.parent.parent == home / ".sepia/bench"
    assert sorted(path.name for path in program.parent.iterdir()) == [".sepia.json", "bench.py"]
    assert push_program(board) == str(program)


def test_remove(board: LocalTransport, home: Path) -> None:
    push_program(board)
    (home / ".sepia/runs/a").mkdir(parents=True)
    (home / ".sepia/runs/a/model").write_bytes(b"12345")
    (home / ".sepia/runs/.a.partial").mkdir()
    (home / ".sepia/runs/.a.partial/model").write_bytes(b"123")
    removed = remove(board, "runs/a")
    assert (removed.bytes, removed.files) == (8, 2)
    assert [path.name for path in (home / ".sepia").iterdir()] == ["bench"]
    assert remove(board).files == 2
    assert list(home.iterdir()) == []
    assert remove(board).files == 0


def test_remove_takes_up_what_was_interrupted(board: LocalTransport, home: Path) -> None:
    (home / "..sepia.removed").mkdir()
    (home / "..sepia.removed/model").write_bytes(b"12")
    assert remove(board).bytes == 2
    assert list(home.iterdir()) == []


@pytest.mark.parametrize("name", ["../x", "{home}/x", "runs/../../x"])
def test_remove_nothing_else(board: LocalTransport, home: Path, name: str) -> None:
    (home / "x").mkdir()
    with pytest.raises(BoardError, match="is not inside"):
        remove(board, name.format(home=home))
    assert [path.name for path in home.iterdir()] == ["x"]


@pytest.mark.slow
def test_32_bit_board(armhf_board: ArmBoard) -> None:
    """Its NumPy is Debian's: there is no wheel."""
    with SSHTransport(armhf_board.destination, name="shed", config=armhf_board.ssh_config) as shed:
        found = provision(shed, probe(shed), ["tflite-runtime"])["tflite-runtime"]
        code = "import numpy, tflite_runtime.interpreter as t; print(numpy.dot(numpy.eye(3), [1, 2, 3]), t.__file__)"
        ran = shed.run(["python3", "-c", code], deadline=200, environment=found.environment)
        assert ran.out.decode().startswith(f"[1. 2. 3.] {found.folder}/"), ran.err
        assert not provision(shed, probe(shed), ["tflite-runtime"])["tflite-runtime"].pushed


@pytest.mark.slow
def test_64_bit_board(arm64_board: ArmBoard) -> None:
    with SSHTransport(arm64_board.destination, name="kitchen", config=arm64_board.ssh_config) as kitchen:
        found = provision(kitchen, probe(kitchen), ["onnxruntime"])["onnxruntime"]
        code = "import onnxruntime; print(onnxruntime.__version__, onnxruntime.__file__)"
        ran = kitchen.run(["python3", "-c", code], deadline=200, environment=found.environment)
        assert ran.out.decode().startswith(f"{found.version} {found.folder}/"), ran.err
