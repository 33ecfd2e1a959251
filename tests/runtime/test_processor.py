"""Processors, read from the text of /proc/cpuinfo of several machines."""

from __future__ import annotations

import os
import platform

import pytest
from sepia.runtime import bench
from sepia.runtime.processor import parse, processor
from support.cpuinfo import MACHINES, Machine


@pytest.mark.parametrize("machine", MACHINES.values(), ids=MACHINES)
def test_each_machine_is_told_by_name_and_instructions(machine: Machine) -> None:
    found = parse(machine.text, machine.architecture)
    told = (found.architecture, found.model, found.board, found.cores, found.vnni, found.dotprod, found.sums_in_16_bits)
    assert told == (
        machine.architecture, machine.model, machine.board, machine.cores, machine.vnni, machine.dotprod,
        machine.sums_in_16_bits,
    )  # fmt: skip


def test_wider_registers_are_told() -> None:
    found = [parse(MACHINES[name].text, "x86_64") for name in ("avx2 alone", "avx512 without vnni")]
    assert [(cpu.avx2, cpu.avx512) for cpu in found] == [(True, False), (True, True)]
    armv9 = parse("CPU implementer : 0x41\nCPU part : 0xd4f\nFeatures : asimd asimddp i8mm\n", "aarch64")
    assert (armv9.i8mm, armv9.model) == (True, "Neoverse-V2")


def test_this_machine_is_told() -> None:
    found = processor()
    assert (found.architecture, found.cores) == (platform.machine(), os.cpu_count())
    assert found.model


@pytest.mark.parametrize("machine", MACHINES.values(), ids=MACHINES)
def test_bench_agrees_though_it_stands_alone(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench, "read", lambda path: machine.text if path == "/proc/cpuinfo" else None)
    monkeypatch.setattr(bench.platform, "machine", lambda: machine.architecture)
    assert bench.lacks_vnni() == machine.sums_in_16_bits
    told = bench.machine()
    assert told["dotprod"] == machine.dotprod
    assert told["board"] == machine.board
    assert told["vnni"] == (machine.vnni if machine.architecture == "x86_64" else None)
