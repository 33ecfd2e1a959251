from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import pytest
from sepia.errors import RuntimeUnavailable
from sepia.export.onnx_to_c import compiler
from sepia.export.onnx_to_c.compiler import COMPILER_VARIABLE, find_compiler


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Neither zig nor a GCC: an empty folder on PATH, which is returned."""
    monkeypatch.delenv(COMPILER_VARIABLE, raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    return tmp_path


def program(folder: Path, name: str, said: str) -> Path:
    path = folder / name
    path.write_text(f"#!/bin/sh\necho '{said}'\n", encoding="utf-8")
    path.chmod(0o755)
    return path


def test_without_any_it_is_told_what_to_install(bare: Path) -> None:
    with pytest.raises(RuntimeUnavailable) as caught:
        find_compiler("armv6l")
    assert str(caught.value) == (
        "C compiler for armv6l: none found; next: pip install 'sepia-edge[native]' (zig, for every architecture), or "
        "Debian's gcc-arm-linux-gnueabi"
    )


def test_a_gcc_for_the_architecture(bare: Path) -> None:
    path = program(bare, "arm-linux-gnueabi-gcc", "12.2.0")
    found = find_compiler("armv6l")
    assert found.version == "gcc 12.2.0"
    assert found.command[:3] == (str(path), "-marm", "-march=armv6")


def test_this_machines_gcc_builds_for_no_other(bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program(bare, "gcc", "12.2.0")
    monkeypatch.setattr(compiler.platform, "machine", lambda: "aarch64")
    with pytest.raises(RuntimeUnavailable):
        find_compiler("x86_64")


def test_the_one_that_is_named_comes_first(bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program(bare, "arm-linux-gnueabi-gcc", "12.2.0")
    monkeypatch.setenv(COMPILER_VARIABLE, f"{program(bare, 'mine', '14.1.0')} -pipe")
    found = find_compiler("armv6l")
    assert (found.command[:2], found.version) == ((str(bare / "mine"), "-pipe"), "gcc 14.1.0")


def test_one_that_does_not_start(bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(COMPILER_VARIABLE, "/nowhere/cc")
    with pytest.raises(RuntimeUnavailable, match="/nowhere/cc: does not start"):
        find_compiler("armv6l")


def test_zig_comes_before_a_gcc(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv(COMPILER_VARIABLE, raising=False)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: object())
    monkeypatch.setattr(sys, "executable", str(program(tmp_path, "python", "0.17.1")))
    found = find_compiler("armv6l")
    assert found.version == "zig 0.17.1"
    assert found.command == (
        str(tmp_path / "python"), "-m", "ziglang", "cc", "-target", "arm-linux-musleabihf", "-mcpu=arm1176jzf_s",
    )  # fmt: skip
