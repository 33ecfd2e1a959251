from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from sepia.ship.agent import processes


@pytest.fixture
def sleeper() -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(["sleep", "100"], env={**os.environ, processes.MARK: "of-a-sleeper"}) as process:
        yield process
        process.kill()


def test_memory_of_a_process() -> None:
    held = bytearray(30_000_000)
    now, peak = processes.rss_bytes(os.getpid()), processes.peak_rss_bytes(os.getpid())
    assert now is not None and peak is not None and len(held) < now <= peak < 8_000_000_000
    available = processes.available_bytes()
    assert available is not None and available > 1_000_000


def test_nothing_is_told_of_one_that_is_gone(sleeper: subprocess.Popen[bytes]) -> None:
    sleeper.kill()
    sleeper.wait()
    assert processes.peak_rss_bytes(sleeper.pid) is None
    assert processes.children(sleeper.pid) == 0
    processes.step_back(sleeper.pid, cpu_s=1, file_bytes=1)  # and nothing goes wrong


def test_children_are_counted(sleeper: subprocess.Popen[bytes]) -> None:
    assert processes.children(os.getpid()) >= 1


def test_marked_processes_end_and_others_do_not(sleeper: subprocess.Popen[bytes]) -> None:
    assert processes.end_marked("of-a-sleep")
    assert sleeper.poll() is None
    assert processes.end_marked("of-a-sleeper")
    assert sleeper.wait(5) == -9


def test_one_that_cannot_be_ended_is_not_waited_for_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "_marked", lambda mark: [2**22 + 1])
    assert not processes.end_marked("of-nobody", within_s=0.05)


def test_limits_outlive_us(sleeper: subprocess.Popen[bytes]) -> None:
    processes.step_back(sleeper.pid, cpu_s=7.9, file_bytes=1 << 20)
    told = Path(f"/proc/{sleeper.pid}/limits").read_text(encoding="ascii")
    limits = {line[:26].strip(): line[26:].split()[:2] for line in told.splitlines()}
    assert limits["Max cpu time"] == ["7", "7"]
    assert limits["Max file size"] == ["1048576", "1048576"]
    assert limits["Max core file size"] == ["0", "0"]
