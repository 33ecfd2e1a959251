"""Processes of ours: their pipes, their end and ours."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sepia.devices.transport.children import Beat, Children, NotStarted
from sepia.errors import BoardError


def alive(path: Path) -> bool:
    """Whether the process that wrote its number to `path` is there (a zombie is not)."""
    try:
        state = Path(f"/proc/{path.read_text().strip()}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


def ends(path: Path) -> bool:
    """Whether it is gone, soon: the kernel takes its time over one that was killed."""
    until = time.monotonic() + 20
    while alive(path) and time.monotonic() < until:
        time.sleep(0.01)
    return not alive(path)


@pytest.fixture(params=["told of ends", "asks for ends"])
def children(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Children]:
    """On a system that tells of a process's end, and on one that does not (macOS)."""
    if request.param == "asks for ends":
        monkeypatch.delattr(os, "pidfd_open")
    children = Children("pi4")
    yield children
    children.close()


def shell(line: str) -> list[str]:
    return ["sh", "-c", line]


def test_a_child_that_holds_the_pipe_holds_nobody_up(children: Children, tmp_path: Path) -> None:
    ended = children.run(shell(f"sleep 30 & echo $! > {tmp_path}/p; echo said; exit 3"), stdin=(), deadline=20)
    assert (ended.code, ended.out) == (3, b"said\n")
    assert alive(tmp_path / "p")
    os.kill(int((tmp_path / "p").read_text()), 9)


def test_one_that_closes_its_pipes_is_waited_for(children: Children) -> None:
    ended = children.run(shell("exec >&- 2>&- <&-; sleep 0.5; exit 4"), stdin=(), deadline=20)
    assert ended.code == 4


def test_the_deadline_ends_the_whole_group(children: Children, tmp_path: Path) -> None:
    with pytest.raises(BoardError, match=r"^pi4: 'sh' was not done after 0.5 s; next: ."):
        children.run(shell(f"sleep 600 & echo $! > {tmp_path}/p; wait"), stdin=(), deadline=0.5)
    assert ends(tmp_path / "p")


def test_the_inputs_own_error_is_told_and_ends_it(children: Children, tmp_path: Path) -> None:
    def pieces() -> Iterator[bytes]:
        yield b"x"
        while not (tmp_path / "p").exists():
            time.sleep(0.01)
        (tmp_path / "nothing").open()

    with pytest.raises(FileNotFoundError):
        line = f"echo $$ > {tmp_path}/q; mv {tmp_path}/q {tmp_path}/p; cat; sleep 600"
        children.run(shell(line), stdin=pieces(), deadline=20)
    assert ends(tmp_path / "p")


def test_what_cannot_be_started(children: Children, tmp_path: Path) -> None:
    with pytest.raises(NotStarted) as caught:
        children.run(["no-such-program"], stdin=(), deadline=5)
    assert (caught.value.code, str(caught.value)) == (127, "no-such-program: No such file or directory")
    (tmp_path / "text").touch()
    with pytest.raises(NotStarted) as caught:
        children.run([str(tmp_path / "text")], stdin=(), deadline=5)
    assert caught.value.code == 126


def test_close_ends_what_others_wait_for(children: Children) -> None:
    with ThreadPoolExecutor() as pool:
        waits = [pool.submit(children.run, ["sleep", "600"], stdin=(), deadline=60) for _ in range(3)]
        while len(children._running) < 3:
            time.sleep(0.01)
        children.close()
        for wait in waits:
            with pytest.raises(BoardError, match=r"^pi4: the connection was closed, so 'sleep' was ended; next: ."):
                wait.result(timeout=30)


def test_nothing_is_started_after_close(children: Children, tmp_path: Path) -> None:
    children.close()
    with pytest.raises(BoardError, match="was closed"):
        children.run(["touch", str(tmp_path / "ran")], stdin=(), deadline=20)
    assert not (tmp_path / "ran").exists()


def test_a_beat_keeps_the_input_open(children: Children) -> None:
    code = "import sys; print(sys.stdin.read(5), flush=True)"
    ended = children.run([sys.executable, "-c", code], stdin=[b"ab"], deadline=20, beat=Beat(b"-", 0.1))
    assert ended.out == b"ab---\n"
