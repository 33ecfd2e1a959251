"""The guard ends its command when the other side is gone, in whatever way that shows."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from sepia.devices.transport.guarding import beat, guarded_input
from sepia.devices.transport.program import boot

Guarded = subprocess.Popen[bytes]


@pytest.fixture
def start(tmp_path: Path) -> Callable[..., Guarded]:
    """`start(code, silence)`: Python `code` under a guard; it has written its number to the file `up`."""

    def started(code: str, silence: float = 60.0) -> Guarded:
        text = f"import os, sys, time\nos.write(1, b'%d\\n' % os.getpid())\n{code}"
        process = subprocess.Popen(
            boot(sys.executable), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        assert process.stdin is not None
        for piece in guarded_input([sys.executable, "-c", text], None, (), silence=silence):
            process.stdin.write(piece)
        process.stdin.flush()
        return process

    return started


def number(process: Guarded) -> int:
    assert process.stdout is not None
    return int(process.stdout.readline())


def gone(child: int) -> bool:
    try:
        os.kill(child, 0)
    except ProcessLookupError:
        return True
    return False


def test_the_end_of_the_connection_ends_it(start: Callable[..., Guarded]) -> None:
    process = start("time.sleep(600)")
    child = number(process)
    _, err = process.communicate(timeout=30)
    assert err == b"\x1esepia-guard-ended:-15\n"
    assert gone(child)


def test_one_that_will_not_end_is_made_to(start: Callable[..., Guarded]) -> None:
    process = start("import signal; signal.signal(15, signal.SIG_IGN); os.write(1, b'deaf\\n'); time.sleep(600)")
    child = number(process)
    assert process.stdout is not None and process.stdout.readline() == b"deaf\n"
    _, err = process.communicate(timeout=30)
    assert err == b"\x1esepia-guard-ended:-9\n"
    assert gone(child)


def test_silence_ends_it_and_a_beat_does_not(start: Callable[..., Guarded]) -> None:
    process = start("time.sleep(600)", silence=4.0)
    child = number(process)
    assert process.stdin is not None
    for _ in range(10):
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(0.5)
        process.stdin.write(beat().piece)
        process.stdin.flush()
    assert process.wait(30) == 128 + signal.SIGTERM
    assert gone(child)
    process.communicate()


def test_the_connection_ends_while_the_command_takes_no_input(tmp_path: Path) -> None:
    code = "import os, time; os.write(1, b'up\\n'); time.sleep(600)"
    process = subprocess.Popen(
        boot(sys.executable), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdin is not None and process.stdout is not None
    # More than its pipe holds, and less than that and ours.
    for piece in guarded_input([sys.executable, "-c", code], None, [b"x" * 100_000]):
        process.stdin.write(piece)
    process.stdin.flush()
    assert process.stdout.readline() == b"up\n"
    _, err = process.communicate(timeout=30)
    assert err.endswith(b"ended:-15\n")


@pytest.mark.parametrize("signalled", [signal.SIGHUP, signal.SIGTERM])
def test_a_signal_to_the_guard_ends_it(start: Callable[..., Guarded], signalled: signal.Signals) -> None:
    process = start("time.sleep(600)")
    child = number(process)
    process.send_signal(signalled)
    assert process.wait(30) == 128 + signal.SIGTERM
    assert gone(child)
    process.communicate()
