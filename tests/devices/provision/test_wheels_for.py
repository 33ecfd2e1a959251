"""Wheels chosen for a board: by its Python, libc and processor, never by this machine's. pip is the real one."""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from sepia.devices.facts import BoardFacts
from sepia.devices.provision.wheels_for import wheels_for
from sepia.errors import BoardError, ConfigError, RuntimeUnavailable
from support.small_wheels import SmallWheels

MODULE = sys.modules["sepia.devices.provision.wheels_for"]
ARM = "cp311-cp311-manylinux_2_28_aarch64"


@pytest.fixture(autouse=True)
def here(monkeypatch: pytest.MonkeyPatch) -> None:
    """This machine has ONNX Runtime 1.30."""
    monkeypatch.setattr(MODULE, "installed_version", lambda name: "1.30.0")


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "cache"


def fill(index: SmallWheels, *releases: str, tag: str = ARM) -> None:
    for release in releases:
        index.add("onnxruntime", release, tag, needs=["numpy>=2"])
    index.add("numpy", "2.4.0", "cp311-cp311-manylinux_2_28_aarch64")
    index.add("numpy", "2.5.0", "cp311-cp311-manylinux_2_39_aarch64")


def test_of_the_board_with_what_it_needs(index: SmallWheels, pi4: BoardFacts, cache: Path) -> None:
    fill(index, "1.30.0")
    fill(index, "1.30.0", tag="cp311-cp311-manylinux_2_28_x86_64")
    fill(index, "1.30.0", tag="cp313-cp313-manylinux_2_28_aarch64")
    found = wheels_for("onnxruntime", pi4, cache)
    assert found.files["onnxruntime/__init__.py"].read_text(encoding="utf-8") == f"tag = '{ARM}'\n"
    assert "numpy-2.4.0.dist-info/METADATA" in found.files  # 2.5 is for a newer libc
    assert found.name.startswith("onnxruntime-1.30.0-cp311-aarch64-")
    assert found.environment("/there") == {"PYTHONPATH": "/there", "PYTHONNOUSERSITE": "1"}


def test_version_of_this_machine_comes_first(index: SmallWheels, pi4: BoardFacts, cache: Path) -> None:
    fill(index, "1.30.0", "1.31.0", "1.32.0")
    assert wheels_for("onnxruntime", pi4, cache).version == "1.30.0"


def test_else_the_newest_that_is_known(index: SmallWheels, pi4: BoardFacts, cache: Path) -> None:
    fill(index, "1.31.0", "1.32.0", "1.33.0")
    assert wheels_for("onnxruntime", pi4, cache).version == "1.32.0"


def test_second_time_from_the_cache(index: SmallWheels, pi4: BoardFacts, cache: Path) -> None:
    fill(index, "1.30.0")
    first = wheels_for("onnxruntime", pi4, cache)
    for wheel in index.folder.iterdir():
        wheel.unlink()
    assert wheels_for("onnxruntime", pi4, cache) == first


def test_spoilt_cache_is_made_anew(index: SmallWheels, pi4: BoardFacts, cache: Path) -> None:
    fill(index, "1.30.0")
    first = wheels_for("onnxruntime", pi4, cache)
    first.files["onnxruntime/__init__.py"].write_text("tag = 'spoilt'\n", encoding="utf-8")
    found = wheels_for("onnxruntime", pi4, cache)
    assert found == first
    assert found.files["onnxruntime/__init__.py"].read_text(encoding="utf-8") == f"tag = '{ARM}'\n"


def test_what_no_program_reads_is_left_out(index: SmallWheels, pi4: BoardFacts, cache: Path) -> None:
    names = ["numpy/a.py", "numpy/tests/b.py", "numpy/c.pyi", "numpy/include/d.h", "numpy/tests.py", "numpy.libs/e.so"]
    fill(index, "1.30.0")
    index.add("numpy", "2.4.1", ARM, dict.fromkeys(names, "1"))
    found = wheels_for("onnxruntime", pi4, cache).files
    assert {name for name in names if name in found} == {"numpy/a.py", "numpy/tests.py", "numpy.libs/e.so"}


def test_several_at_once(index: SmallWheels, pi4: BoardFacts, cache: Path) -> None:
    fill(index, "1.30.0")
    with ThreadPoolExecutor(3) as pool:
        found = list(pool.map(lambda _: wheels_for("onnxruntime", pi4, cache), range(3)))
    assert found[0] == found[1] == found[2]
    assert not list((cache / "runtimes").glob(".partial-*"))


def test_no_wheel_in_the_index(index: SmallWheels, pi4: BoardFacts, cache: Path) -> None:
    fill(index, "1.30.0", tag="cp311-cp311-manylinux_2_39_aarch64")
    with pytest.raises(BoardError, match=r"^onnxruntime==1\.32\.0: cannot be fetched: No matching distribution"):
        wheels_for("onnxruntime", pi4, cache)
    assert not list((cache / "runtimes").glob("onnxruntime*"))


def test_no_network(pi4: BoardFacts, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    monkeypatch.setenv("PIP_RETRIES", "0")
    with pytest.raises(BoardError, match=r"onnxruntime==1\.30\.0: .*index was not reached; next: is the network up"):
        wheels_for("onnxruntime", pi4, cache)


def test_no_pip_here(pi4: BoardFacts, cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    python = tmp_path / "python"
    python.write_text('#!/bin/sh\necho "$0: No module named pip" >&2\nexit 1\n', encoding="utf-8")
    python.chmod(0o700)
    monkeypatch.setattr(sys, "executable", str(python))
    with pytest.raises(RuntimeUnavailable, match=r"pip: is not installed here.*; next: python3 -m ensurepip"):
        wheels_for("onnxruntime", pi4, cache)


def test_board_without_any(pi4: BoardFacts, cache: Path) -> None:
    zero = replace(pi4, machine="armv6l", bits=32, debian_architecture="armel")
    with pytest.raises(ConfigError, match="ARMv6"):
        wheels_for("tflite-runtime", zero, cache)
    assert not cache.exists()
