from __future__ import annotations

import os
import signal
import sys
from itertools import repeat
from pathlib import Path

import pytest
from sepia.ship.agent import child, processes
from sepia.ship.agent.child import Ended, Limits, last_line, run
from support.ended import ends

MARK = "mark-of-this-test"


def ran(words: str, folder: Path, *, deadline_s: float = 20.0, mark: str = MARK, **options: int) -> Ended:
    limits = Limits(deadline_s, **options)
    return run(["sh", "-c", words], folder=folder, environment={"PATH": os.environ["PATH"]}, limits=limits, mark=mark)


def alive(mark: str = MARK) -> list[int]:
    return list(processes._marked(mark))


def test_what_it_writes_comes_back(tmp_path: Path) -> None:
    ended = ran("echo right; echo 'first\nlast' >&2; exit 3", tmp_path)
    assert (ended.code, ended.output, ended.last_line, ended.failure) == (3, b"right\n", "last", "exit code 3")


def test_input_longer_than_a_pipe_holds_goes_in_and_comes_back(tmp_path: Path) -> None:
    piece = bytes(range(256)) * 1024
    ended = run(
        ["cat"],
        folder=tmp_path,
        environment={"PATH": os.environ["PATH"]},
        limits=Limits(20, output_bytes=len(piece) * 4),
        feed=repeat(piece, 4),
        awaited=len(piece) * 4,
    )
    assert ended.output == piece * 4 and not ended.failure


def test_memory_is_read_while_it_waits_for_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It has its memory for the time of one answer, and ends as soon as its input does."""
    monkeypatch.setattr(child, "_HOLD_S", 100.0)
    program = (
        "import sys\nsys.stdin.buffer.read(1)\nheld = b'x' * 60_000_000\nsys.stdout.buffer.write(b'y')\n"
        "sys.stdout.flush()\nsys.stdin.buffer.read(1)\n"
    )
    ended = run(
        [sys.executable, "-c", program],
        folder=tmp_path,
        environment={},
        limits=Limits(20),
        feed=[b"1"],
        awaited=1,
    )
    assert not ended.failure
    assert ended.peak_rss_bytes is not None and 60_000_000 < ended.peak_rss_bytes < 120_000_000


def test_one_that_answers_only_at_the_end_of_its_input_gets_that_end(tmp_path: Path) -> None:
    ended = run(
        ["sort"],
        folder=tmp_path,
        environment={"PATH": os.environ["PATH"]},
        limits=Limits(20),
        feed=[b"b\na\n"],
        awaited=4,
    )
    assert ended.output == b"a\nb\n"


def test_one_that_reads_nothing_is_not_waited_for(tmp_path: Path) -> None:
    ended = run(
        ["true"],
        folder=tmp_path,
        environment={"PATH": os.environ["PATH"]},
        limits=Limits(20),
        feed=repeat(bytes(1 << 16), 100),
        awaited=5,
    )
    assert ended.code == 0 and ended.output == b""


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        ("sleep 100", "not done within 0.2 s"),
        ("trap '' TERM INT HUP; sleep 100", "not done within 0.2 s"),
        ("exec >&- 2>&-; sleep 100", "not done within 0.2 s"),
        ("yes", "wrote more than 100000 bytes"),
        ("yes >&2", "wrote more than 100000 bytes of messages"),
        ("kill -SEGV $$", "ended by SIGSEGV"),
        ("kill -35 $$", "ended by signal 35"),
        ("for i in $(seq 60); do sleep 100 & done; wait", "started more than 32 processes"),
    ],
)
def test_why_it_was_ended(tmp_path: Path, words: str, reason: str) -> None:
    ended = ran(words, tmp_path, deadline_s=0.2 if "not done" in reason else 60.0, output_bytes=100_000)
    assert ended.failure == reason
    assert len(ended.output) <= 100_000 + (1 << 16) and not alive()


@pytest.mark.parametrize(
    "words",
    ["sleep 100 & true", "setsid sleep 100 & true", "(setsid sh -c 'sleep 100 & sleep 100' &) ; sleep 0.2"],
    ids=["its group", "a session of its own", "an orphan"],
)
def test_nothing_that_it_started_is_left(tmp_path: Path, words: str) -> None:
    ended = ran(words, tmp_path)
    assert ended.code == 0 and not alive()


def test_without_a_mark_the_group_is_ended_all_the_same(tmp_path: Path) -> None:
    ended = ran("sleep 100 & echo $!", tmp_path, mark="")
    assert ends(int(ended.output))


def test_memory_beyond_its_limit_ends_it(tmp_path: Path) -> None:
    held = "import time; held = []\nwhile True: held.append(b'x' * 5_000_000); time.sleep(0.005)"
    ended = run(
        [sys.executable, "-c", held],
        folder=tmp_path,
        environment={},
        limits=Limits(20, rss_bytes=80_000_000),
        mark=MARK,
    )
    assert ended.stopped == "too much memory: more than 80 MB" and not alive()


def test_the_boards_last_memory_is_not_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    left = iter([400_000_000, 300_000_000, 90_000_000])
    monkeypatch.setattr(processes, "available_bytes", lambda: next(left, 90_000_000))
    ended = ran("sleep 100", tmp_path)
    assert ended.stopped == "too much memory: 90 MB of the board's are left" and not alive()


def test_it_steps_back_behind_the_application(tmp_path: Path) -> None:
    told = "sleep 0.2; cat /proc/self/oom_score_adj; nice; ulimit -c; ulimit -f; cat /proc/self/stat | cut -d' ' -f6,1"
    ended = ran(told, tmp_path)
    oom, nice, core, blocks, session = ended.output.decode().splitlines()
    assert (oom, nice, core) == ("1000", "3", "0")
    assert int(blocks) in (64 << 11, 64 << 10)  # of 512 or 1024 bytes
    assert int(session.split()[1]) != os.getsid(0)


def test_a_file_that_grows_too_long_ends_it(tmp_path: Path) -> None:
    ended = ran("sleep 0.2; exec head -c 3000000 /dev/zero > big", tmp_path, file_bytes=1_000_000)
    assert ended.failure == f"ended by {signal.Signals(signal.SIGXFSZ).name}"
    assert (tmp_path / "big").stat().st_size == 1_000_000


def test_ctrl_c_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(pid: int) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(processes, "children", interrupted)
    with pytest.raises(KeyboardInterrupt):
        ran("sleep 100 & sleep 100", tmp_path)
    assert not alive()


def test_no_such_program(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        run(["no-such-program"], folder=tmp_path, environment={"PATH": "/usr/bin"}, limits=Limits(5))


def test_no_descriptor_is_left_open(tmp_path: Path) -> None:
    ran("true", tmp_path)
    before = len(list(Path("/proc/self/fd").iterdir()))
    ran("sleep 5 & yes", tmp_path, output_bytes=1000)
    assert len(list(Path("/proc/self/fd").iterdir())) == before


def test_what_ends_after_its_deadline_was_ended_before(tmp_path: Path) -> None:
    ended = ran("sleep 3; touch too-late", tmp_path, deadline_s=0.3)
    assert ended.stopped and not (tmp_path / "too-late").exists()


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (b"one\ntwo\n\n  \n", "two"),
        (b"", ""),
        (b"\x1b[31mred\x07\r\n", "[31mred"),
        (b"\xff\xfe broken", "�� broken"),
        (b"x" * 1000, "x" * 300),
    ],
)
def test_last_line(text: bytes, line: str) -> None:
    assert last_line(text) == line
