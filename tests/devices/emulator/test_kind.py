"""Opcodes and their kinds against listings of a disassembler: one instruction a line, `kind opcode text`.

They come from LiteRT, ONNX Runtime, tflite-runtime and Debian's libraries as GNU objdump shows them, and what those
have none of (dot products of 32-bit ARM, matrix products, atomics) from GNU as. SVE is left out: `kind_a64.c`.
"""

from __future__ import annotations

import ctypes
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from sepia.devices.emulator import plugin
from sepia.devices.emulator.counts import KINDS
from support.needs import need_programs

GOLDENS = Path(__file__).with_name("goldens")
LEAST = {"a64": 400, "a32": 300, "t32": 250}
"""Instructions a listing has at least: an empty one would pass."""


@pytest.fixture(scope="module")
def decoder(tmp_path_factory: pytest.TempPathFactory) -> ctypes.CDLL:
    need_programs(cc="gcc")
    library = tmp_path_factory.mktemp("kinds") / "kinds.so"
    sources = [str(source) for source in plugin.SOURCES if source.name.startswith("kind_")]
    subprocess.run(
        ["cc", "-std=gnu11", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC", "-o", str(library), *sources],
        check=True,
    )
    return ctypes.CDLL(str(library))


def _a64(decoder: ctypes.CDLL, opcode: str) -> int:
    return int(decoder.kind_a64(int(opcode, 16)))


def _a32(decoder: ctypes.CDLL, opcode: str) -> int:
    return int(decoder.kind_a32(int(opcode, 16)))


def _t32(decoder: ctypes.CDLL, opcode: str) -> int:
    """Halfwords in the order of memory, as a disassembler prints them."""
    assert bool(decoder.wide_t32(int(opcode[:4], 16))) == (len(opcode) == 8), opcode
    return int(decoder.kind_t32(int(opcode[:4], 16), int(opcode[4:] or "0", 16)))


@pytest.mark.parametrize(("name", "kind"), [("a64", _a64), ("a32", _a32), ("t32", _t32)])
def test_each_opcode_has_its_kind(decoder: ctypes.CDLL, name: str, kind: Callable[[ctypes.CDLL, str], int]) -> None:
    lines = (GOLDENS / f"{name}.txt").read_text(encoding="utf-8").splitlines()
    assert len(lines) >= LEAST[name]
    assert {line.split()[0] for line in lines} == set(KINDS)
    wrong = [line for line in lines if KINDS[kind(decoder, line.split()[1])] != line.split()[0]]
    assert wrong == []
