"""A board with a kernel, a memory and a disk of its own: 512 MB, and a clock that thinks it is 2019."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from sepia.devices.measure import Job, measure
from sepia.devices.probe import notes, probe
from sepia.devices.provision.push import push
from sepia.devices.transport.ssh import SSHTransport
from sepia.errors import BoardError, RunError
from support.needs import lacking, need_programs, need_root
from support.vm_board import VMBoard

pytestmark = pytest.mark.slow

FOLDER = "/home/pi/.sepia/runtimes/one"
SIZE = 24_000_000

PROGRAM = b"""
import json, sys
if "greedy" in " ".join(sys.argv):
    held = [bytearray(b"x" * 10_000_000) for _ in range(100)]
print(json.dumps({"disturbed": []}))
"""


@pytest.fixture(scope="module")
def vm() -> Iterator[VMBoard]:
    need_root("the file owners of an emulated machine's disk")
    need_programs(
        qemu_system_aarch64="qemu-system-arm",
        ssh="openssh-client",
        apt_get="apt",
        qemu_aarch64_static="qemu-user-static",
    )
    if not Path("/sbin/mkfs.ext4").exists():
        lacking("mkfs.ext4 is not installed here (Debian: apt-get install e2fsprogs)")
    with VMBoard(memory=512, clock="2019-01-01T00:00:00") as board:
        yield board


def connected(board: VMBoard) -> SSHTransport:
    return SSHTransport(board.destination, name="kitchen", config=board.ssh_config, silence=30.0)


@pytest.fixture
def files(tmp_path: Path) -> dict[str, Path]:
    found = {}
    for number in range(4):
        found[f"part/{number}.bin"] = path = tmp_path / f"{number}.bin"
        path.write_bytes(os.urandom(SIZE // 4))
    return found


def digests_there(board: VMBoard) -> list[str]:
    with connected(board) as transport:
        script = f"cd {FOLDER} && sha256sum part/*.bin"
        return [line.split()[0] for line in transport.run(["sh", "-c", script], deadline=60).out.decode().splitlines()]


def digests_here(files: dict[str, Path]) -> list[str]:
    told = subprocess.run(["sha256sum", *map(str, files.values())], capture_output=True, text=True, check=True).stdout
    return [line.split()[0] for line in told.splitlines()]


def test_the_clock_is_of_2019(vm: VMBoard) -> None:
    with connected(vm) as transport:
        facts = probe(transport)
    assert (facts.machine, facts.system, facts.core) == ("aarch64", "bookworm64", "Cortex-A72")
    assert 400_000_000 < facts.memory_bytes < 512 << 20
    assert facts.clock_skew_s < -5 * 365 * 86400
    assert "years behind" in " ".join(notes(facts))


def test_power_cut_in_mid_push(vm: VMBoard, files: dict[str, Path]) -> None:
    """What was not synced is lost with the power, so that only a push which syncs before it renames is whole after."""
    cut = []

    def progress(sent: int, total: int) -> None:
        if sent > total // 2 and not cut:
            cut.append(sent)
            vm.kill_power()

    with connected(vm) as transport, pytest.raises(BoardError, match=r"^kitchen: .*next: see that it has power"):
        push(transport, files, FOLDER, deadline=400.0, progress=progress)
    vm.start()
    assert digests_there(vm) == [], "half a push was taken for a whole one"
    with connected(vm) as transport:
        assert push(transport, files, FOLDER, deadline=400.0).sent > 0
    assert digests_there(vm) == digests_here(files)


def test_power_cut_right_after_a_push(vm: VMBoard, files: dict[str, Path]) -> None:
    with connected(vm) as transport:
        push(transport, files, FOLDER, deadline=400.0)
        vm.kill_power()
    vm.start()
    assert digests_there(vm) == digests_here(files), "a push was told to be done before the disk had it"
    with connected(vm) as transport:
        assert push(transport, files, FOLDER, deadline=400.0, verify=True).sent == 0


def test_too_little_memory(vm: VMBoard, tmp_path: Path) -> None:
    program = tmp_path / "bench.py"
    program.write_bytes(PROGRAM)
    job = Job("litert", 1, "/home/pi/.sepia/bench/bench.py", "/home/pi/greedy.tflite")
    small = Job("litert", 1, "/home/pi/.sepia/bench/bench.py", "/home/pi/small.tflite")
    with connected(vm) as transport:
        push(transport, {"bench.py": program}, "/home/pi/.sepia/bench", deadline=400.0)
        with pytest.raises(RunError, match=r"^kitchen: greedy.* killed \(SIGKILL\), most likely for want of mem"):
            measure(transport, job, seconds=1.0, deadline=400.0)
        assert measure(transport, small, seconds=1.0, deadline=400.0).bench == {"disturbed": []}
