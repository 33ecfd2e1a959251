"""What every transport must do, whatever is at its other end.

A test file inherits the class and gives two fixtures: `transport`, and `another` to the same board, which the test
may close.
"""

from __future__ import annotations

import hashlib
import json
import os
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from uuid import uuid4

import pytest
from sepia.devices.transport import Ran, Transport
from sepia.devices.transport.program import run_program
from sepia.errors import BoardError

__all__ = ["TransportContract", "python", "running"]

DEADLINE = 60.0
"""Of everything that shall end: far from what it takes."""


def python(code: str, *arguments: str) -> list[str]:
    """A command for the board's Python, as quick as that starts."""
    return ["python3", "-I", "-S", "-c", code, *arguments]


_LIST = """
import os, sys
token = sys.stdin.buffer.read()  # not a word of its own command, nor of the shells above it
for number in filter(str.isdigit, os.listdir("/proc")):
    try:
        words = open("/proc/" + number + "/cmdline", "rb").read().split(b"\\0")
        state = open("/proc/" + number + "/stat").read().rpartition(")")[2].split()[0]
    except OSError:
        continue
    if state != "Z" and token in words:
        print(number)
"""


def running(transport: Transport, token: str) -> int:
    """How many processes of the board have the word `token` in their command."""
    return len(transport.run(python(_LIST), stdin=[token.encode()], deadline=DEADLINE).out.split())


def ends(transport: Transport, token: str, within: float = 30.0) -> bool:
    """Whether no process with `token` is left, after `within` s at most."""
    until = time.monotonic() + within
    while time.monotonic() < until:
        if not running(transport, token):
            return True
        time.sleep(0.2)
    return False


SLEEP = "import time; print('up', flush=True); time.sleep(600)"
WITH_CHILD = (
    "import subprocess, sys; subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)', sys.argv[1]]);"
    "print('up', flush=True); sys.exit(int(sys.argv[2]))"
)


class TransportContract:
    """The tests. Each leaves `transport` fit for the next."""

    # --- a command's words, bytes and end ---------------------------------------------------------------------------

    def test_out_err_and_code_are_told_apart(self, transport: Transport) -> None:
        code = "import os; os.write(1, b'one\\xff\\0'); os.write(2, 'zwei ü'.encode()); os._exit(7)"
        for guarded in (False, True):
            ran = transport.run(python(code), deadline=DEADLINE, guarded=guarded)
            assert (ran.code, ran.out, ran.err) == (7, b"one\xff\0", "zwei ü")
            assert 0 < ran.seconds < DEADLINE

    def test_words_arrive_as_they_are(self, transport: Transport) -> None:
        words = ["", " two  spaces ", "it's", '"$HOME"', "*", "a\nb", "back\\slash", "~", "-x", "ü", "; exit 3", "!"]
        code = "import json, sys; print(json.dumps(sys.argv[1:]))"
        for guarded in (False, True):
            ran = transport.run(python(code, *words), deadline=DEADLINE, guarded=guarded)
            assert json.loads(ran.out) == words

    def test_the_environment_is_added(self, transport: Transport) -> None:
        values = {"SEPIA_A": "b c'd\"$e", "SEPIA_B": ""}
        code = (
            "import json, os; print(json.dumps([os.environ['SEPIA_A'], os.environ['SEPIA_B'], 'PATH' in os.environ]))"
        )
        for guarded in (False, True):
            ran = transport.run(python(code), deadline=DEADLINE, environment=values, guarded=guarded)
            assert json.loads(ran.out) == [*values.values(), True]

    def test_bytes_go_there_and_come_back(self, transport: Transport) -> None:
        pieces = [b"", os.urandom(1), os.urandom(300_000), b"", os.urandom(3_000_000)]
        sent = b"".join(pieces)
        code = (
            "import sys; d = sys.stdin.buffer.read(); sys.stdout.buffer.write(d[::-1]); sys.stderr.write('x' * 200000)"
        )
        for guarded in (False, True):
            ran = transport.run(python(code), stdin=iter(pieces), deadline=DEADLINE, guarded=guarded)
            assert ran.code == 0
            assert hashlib.sha256(ran.out).digest() == hashlib.sha256(sent[::-1]).digest()
            assert ran.err == "x" * 200_000

    def test_no_input_is_an_end_of_file(self, transport: Transport) -> None:
        for guarded in (False, True):
            code = "import sys; print(len(sys.stdin.read()))"
            assert transport.run(python(code), deadline=DEADLINE, guarded=guarded).out.strip() == b"0"

    def test_a_command_need_not_read(self, transport: Transport) -> None:
        endless = iter(lambda: b"x" * 100_000, None)
        for guarded in (False, True):
            ran = transport.run(python("print('no')"), stdin=endless, deadline=DEADLINE, guarded=guarded)
            assert (ran.code, ran.out) == (0, b"no\n")

    def test_an_unknown_command_is_127(self, transport: Transport) -> None:
        for guarded in (False, True):
            ran = transport.run(["no-such-program-anywhere", "x"], deadline=DEADLINE, guarded=guarded)
            assert ran.code == 127
            assert "no-such-program-anywhere" in ran.err

    def test_a_command_may_end_with_255(self, transport: Transport) -> None:
        for guarded in (False, True):
            assert transport.run(python("raise SystemExit(255)"), deadline=DEADLINE, guarded=guarded).code == 255

    def test_a_guarded_command_tells_its_signal(self, transport: Transport) -> None:
        code = "import os, sys; os.write(2, b'last words\\n'); os.kill(os.getpid(), int(sys.argv[1]))"
        for number in (4, 9):
            ran = transport.run(python(code, str(number)), deadline=DEADLINE, guarded=True)
            assert ran.code == -number
            assert "last words" in ran.err
            assert "sepia" not in ran.err

    # --- nothing is left --------------------------------------------------------------------------------------------

    def test_a_guarded_command_leaves_no_child(self, transport: Transport) -> None:
        token = uuid4().hex
        ran = transport.run(python(WITH_CHILD, token, "3"), deadline=DEADLINE, guarded=True)
        assert (ran.code, ran.out) == (3, b"up\n")
        assert ends(transport, token)

    def test_the_deadline_ends_a_command(self, transport: Transport) -> None:
        token = uuid4().hex
        with pytest.raises(BoardError) as caught:
            transport.run(python(SLEEP, token), deadline=6, guarded=True)
        assert str(caught.value).startswith(f"{transport.name}: 'python3' was not done after 6 s; next: ")
        assert ends(transport, token)

    def test_close_ends_what_runs(self, transport: Transport, another: Transport) -> None:
        token = uuid4().hex
        with ThreadPoolExecutor() as pool:
            under_way = pool.submit(another.run, python(SLEEP, token), deadline=DEADLINE, guarded=True)
            self._await(transport, token)
            another.close()
            with pytest.raises(BoardError, match="closed") as caught:
                under_way.result(timeout=DEADLINE)
        assert caught.value.where == another.name
        assert ends(transport, token)

    def test_nothing_runs_after_close(self, another: Transport) -> None:
        another.close()
        with pytest.raises(BoardError, match="closed"):
            another.run(python("print(1)"), deadline=DEADLINE)
        another.close()

    @pytest.mark.parametrize("error", [KeyboardInterrupt, ValueError])
    def test_an_interruption_ends_the_command(self, transport: Transport, error: type[BaseException]) -> None:
        token = uuid4().hex

        def pieces() -> Iterator[bytes]:
            yield b"x" * 10
            self._await(transport, token)
            raise error("stop")

        code = "import sys; sys.stdin.buffer.read(); import time; time.sleep(600)"
        with pytest.raises(error, match="stop"):
            transport.run(python(code, token), stdin=pieces(), deadline=DEADLINE, guarded=True)
        assert ends(transport, token)

    # --- many, and programs -----------------------------------------------------------------------------------------

    def test_several_threads_at_once(self, transport: Transport) -> None:
        gate = threading.Barrier(4)

        def one(number: int) -> Ran:
            gate.wait()
            return transport.run(
                python("import sys; print(sys.stdin.read())"), stdin=[b"%d" % number], deadline=DEADLINE
            )

        with ThreadPoolExecutor(4) as pool:
            assert [int(ran.out) for ran in pool.map(one, range(4))] == [0, 1, 2, 3]

    def test_a_program_runs_from_memory(self, transport: Transport, tmp_path: Path) -> None:
        program = tmp_path / "asked.py"
        program.write_text(
            "import json, sys\n"
            "told = json.loads(sys.stdin.buffer.readline())\n"
            "data = sys.stdin.buffer.read()\n"
            "print(json.dumps({'told': told, 'bytes': len(data), 'ö': sum(data)}))\n",
            encoding="utf-8",
        )
        for guarded in (False, True):
            payload = iter([b"\x01" * 100_000, b"\n\n\x02"])
            answer = run_program(
                transport, program, {"a": ["ü\n", 1]}, payload=payload, deadline=DEADLINE, guarded=guarded
            )
            assert answer == {"told": {"a": ["ü\n", 1]}, "bytes": 100_003, "ö": 100_022}

    def test_a_programs_refusal_is_the_boards(self, transport: Transport, tmp_path: Path) -> None:
        program = tmp_path / "refuse.py"
        program.write_text('print(\'{"error": "is full", "hint": "free some"}\'); raise SystemExit(1)', "utf-8")
        with pytest.raises(BoardError) as caught:
            run_program(transport, program, {}, deadline=DEADLINE)
        assert str(caught.value) == f"{transport.name}: is full; next: free some"

    def _await(self, transport: Transport, token: str) -> None:
        until = time.monotonic() + DEADLINE
        while not running(transport, token):
            assert time.monotonic() < until, "the command did not start"
