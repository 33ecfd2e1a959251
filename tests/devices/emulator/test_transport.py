"""Emulated cores keep the contract of transports, with real ARM programs under the host's qemu-user."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import support.transport_contract
from sepia.devices.emulator.counts import MARK, Counts
from sepia.devices.emulator.transport import EmulatorTransport
from sepia.devices.probe import probe
from sepia.devices.profile import PROFILES
from sepia.devices.transport import Transport
from sepia.devices.transport.local import LocalTransport
from support.needs import need_programs
from support.transport_contract import TransportContract, python

_HERE_RUNNING = support.transport_contract.running

_WORK = f"""
import os
def mark(number):
    try:
        os.close({MARK} + number)
    except OSError:
        pass
def work(count):
    total = 0
    for number in range(count):
        total += number * number
    return total
work(10)
for interval, count in enumerate((1000, 2000, 2000)):
    mark(2 * interval)
    work(count)
    mark(2 * interval + 1)
"""


def _opened(board: str, system: str | None = None) -> EmulatorTransport:
    need_programs(qemu_aarch64="qemu-user", apt_get="apt", dpkg_deb="dpkg", cc="gcc")
    profile = PROFILES[board]
    return EmulatorTransport(profile, profile.system(system), name=f"{board}@emulator")


@pytest.fixture(scope="module")
def pi4() -> Iterator[EmulatorTransport]:
    with _opened("pi4") as transport:
        yield transport


class TestEmulator(TransportContract):
    @pytest.fixture(scope="class")
    @classmethod
    def transport(cls, pi4: EmulatorTransport) -> Transport:
        return pi4

    @pytest.fixture
    def another(self) -> Iterator[Transport]:
        with _opened("pi4") as transport:
            yield transport

    @pytest.fixture(autouse=True)
    def processes_are_the_hosts(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """An emulated core's /proc has no processes but its own; the host sees them all."""

        def running(_: Transport, token: str) -> int:
            with LocalTransport("here") as here:
                return _HERE_RUNNING(here, token)

        monkeypatch.setattr(support.transport_contract, "running", running)

    def test_a_guarded_command_leaves_no_child(self, transport: Transport) -> None:
        """It can't have any: no kernel here runs an ARM program by itself (where binfmt is not set up)."""
        code = "import os, sys; os.execv('/usr/bin/python3', ['python3', '-c', 'pass'])"
        ran = transport.run(python(code), deadline=60, guarded=True)
        assert (ran.code, "Exec format error" in ran.err) in ((1, True), (0, False))


@pytest.mark.parametrize(
    ("board", "system", "machine", "bits", "libc", "core"),
    [
        ("pi4", None, "aarch64", 64, "2.36", "Cortex-A72"),
        ("pi3bplus", "bookworm32", "armv7l", 32, "2.36", "Cortex-A53"),
        ("pizero", None, "armv6l", 32, "2.36", "ARM1176"),
    ],
)
def test_a_probe_sees_the_board(board: str, system: str | None, machine: str, bits: int, libc: str, core: str) -> None:
    with _opened(board, system) as transport:
        facts = probe(transport)
        home = transport.root.home
    assert (facts.machine, facts.bits, facts.libc, facts.core) == (machine, bits, libc, core)
    assert facts.system == PROFILES[board].system(system).name
    assert facts.python.startswith("3.11.")
    assert facts.python_path.endswith("/usr/bin/python3")
    assert (facts.user, facts.home) == ("pi", str(home))
    assert facts.model == PROFILES[board].models[0]
    assert facts.memory_bytes == max(PROFILES[board].memory.sizes_mb) << 20


def test_nothing_of_the_host_reaches_it(pi4: EmulatorTransport, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", "/of/the/host")
    monkeypatch.setenv("SECRET", "token")
    ran = pi4.run(["python3", "-c", "import os; print(sorted(os.environ), os.getcwd())"], deadline=60)
    names = ["HOME", "LANG", "OPENBLAS_NUM_THREADS", "PATH", "PYTHONHASHSEED", "TMPDIR", "USER"]
    assert ran.out.decode().strip() == f"{names} {pi4.root.home}"


def test_the_linkers_variables_are_the_boards_alone(pi4: EmulatorTransport) -> None:
    environment = {"LD_LIBRARY_PATH": "/a:/b"}
    ran = pi4.run(python("import os; print(os.environ['LD_LIBRARY_PATH'])"), deadline=60, environment=environment)
    assert ran.out == b"/a:/b\n"
    host = subprocess.run([sys.executable, "-c", "pass"], env=environment, check=False)
    assert host.returncode == 0


def test_a_script_and_a_hosts_program_are_not_run(pi4: EmulatorTransport) -> None:
    script = pi4.root.home / "script"
    script.write_text("#!/bin/sh\ntrue\n")
    script.chmod(0o755)
    try:
        assert pi4.run([str(script)], deadline=60).code == 126
    finally:
        script.unlink()
    assert pi4.run(["apt-get"], deadline=60).code == 127


def test_a_program_for_another_core_ends_by_its_signal() -> None:
    """Debian's armhf on a Pi Zero: ARMv7 instructions that an ARM1176 has not."""
    zero = PROFILES["pizero"]
    wrong = zero.systems[0].model_copy(update={"debian": "armhf", "name": "wrong32"})
    need_programs(qemu_arm="qemu-user")
    with EmulatorTransport(zero, wrong, name="pizero@emulator") as transport:
        for guarded in (False, True):
            assert transport.run(python("pass"), deadline=60, guarded=guarded).code == -4


@pytest.mark.parametrize(("board", "system"), [("pi4", None), ("pi4", "bookworm32"), ("pizero", None)])
def test_instructions_between_marks_are_the_same_twice(board: str, system: str | None, tmp_path: Path) -> None:
    """To 0.1 %: what Python does with addresses and the time differs a little."""
    counted: list[tuple[tuple[int, Counts], ...]] = []
    with _opened(board, system) as transport:
        for name in ("once", "twice"):
            counting = transport.counting(tmp_path / name)
            assert counting.run(["python3", "-S", "-c", _WORK], deadline=60, guarded=True).code == 0
            counted.append(counting.counts())
    assert [number for number, _ in counted[0]] == [0, 1, 2]
    short, long, again = (counts for _, counts in counted[0])
    assert [counts.total for _, counts in counted[1]] == pytest.approx(
        [counts.total for _, counts in counted[0]], rel=1e-3
    )
    assert long.scalar == pytest.approx(again.scalar, rel=0.01)
    # The interpreter's loop: some 100 instructions a turn, and no array arithmetic.
    assert 20_000 < long.total - short.total < 1_000_000
    assert long.dot == 0
    assert min(long.load, long.store, long.scalar) > 10_000


def test_without_marks_there_is_nothing(pi4: EmulatorTransport, tmp_path: Path) -> None:
    with pi4.counting(tmp_path / "with, comma") as counting:
        assert counting.run(python("pass"), deadline=60).code == 0
        assert counting.counts() == ()
        assert counting.counts_file.read_text() == ""
    assert pi4.run(python("pass"), deadline=60).code == 0


def test_boards_of_one_system_share_its_packages(pi4: EmulatorTransport) -> None:
    with _opened("pi5") as pi5, _opened("pi4") as again:
        assert pi5.root.packages == pi4.root.packages
        assert pi5.root.root != pi4.root.root
        assert again.root == pi4.root


@pytest.mark.parametrize(("board", "system"), [("pi4", None), ("armv7", "bookworm32"), ("pizero", None)])
def test_a_python_finds_its_own_library_and_not_the_hosts(board: str, system: str | None) -> None:
    look = "import bz2, os, resource, sys; print(all(os.path.isfile(m.__file__) for m in (bz2, os, resource)))"
    with _opened(board, system) as transport:
        ran = transport.run(["python3", "-c", look], deadline=60)
    assert (ran.code, ran.out) == (0, b"True\n"), ran.err
