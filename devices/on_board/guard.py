"""Run one command, and end it with all its children when the connection ends.

The connection's standard input carries frames: 4 bytes of length, big-endian, then so many bytes for the command.
Length 0: its standard input ends there. 0xFFFFFFFF: nothing, we are still here. The stream itself ends only where the
other side is gone; a link that was cut may never tell, so `silence` seconds without a byte count as the same.

Arguments: command (words), environment (added to ours), silence (s). The last it writes to standard error is
`\\x1esepia-guard-ended:<code>`, −n where signal n ended the command, 127 where there is no such program.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import select
import signal
import subprocess
import threading
import time
from typing import IO, Any, NoReturn, Optional, cast

BEAT = 0xFFFFFFFF
GRACE = 1.0  # seconds between asking a command to end and making it
PIECE = 1 << 16


class Gone(Exception):
    """The other side is."""


class Guard:
    def __init__(self, command: list[str], environment: dict[str, str], silence: float) -> None:
        self.silence = silence
        self.child = subprocess.Popen(
            command, stdin=subprocess.PIPE, env={**os.environ, **environment}, start_new_session=True
        )
        self.pipe = cast("IO[bytes]", self.child.stdin)
        self.stdin: Optional[int] = self.pipe.fileno()
        os.set_blocking(self.stdin, False)

    def watch(self) -> None:
        """Hand frames on until the other side is gone, then end the command."""
        try:
            while True:
                length = int.from_bytes(self.take(4), "big")
                if length == 0:
                    self.close()
                elif length != BEAT:
                    self.hand_on(length)
        except Gone:
            self.end()

    def take(self, length: int) -> bytes:
        """So many bytes of the connection's, which come within `silence` seconds each."""
        found = b""
        while len(found) < length:
            ready, _, _ = select.select([0], [], [], self.silence)
            piece = os.read(0, length - len(found)) if ready else b""
            if not piece:
                raise Gone
            found += piece
        return found

    def hand_on(self, length: int) -> None:
        data = memoryview(self.take(length))
        while data and self.stdin is not None:
            self.wait_until_taken(self.stdin)
            try:
                data = data[os.write(self.stdin, data[:PIECE]) :]
            except BlockingIOError:
                continue
            except BrokenPipeError:
                self.close()  # it wants no more of it

    def wait_until_taken(self, stdin: int) -> None:
        """Until the command takes input. It may be long about it; the other side can go away meanwhile."""
        poll = select.poll()
        poll.register(stdin, select.POLLOUT)
        poll.register(0, getattr(select, "POLLRDHUP", 0))
        for descriptor, event in poll.poll():
            if descriptor == 0 and event:
                raise Gone

    def close(self) -> None:
        if self.stdin is not None:
            self.stdin = None
            self.pipe.close()

    def end(self, *_: Any) -> None:
        self.signal(signal.SIGTERM)
        time.sleep(GRACE)
        self.signal(signal.SIGKILL)

    def signal(self, number: int) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.child.pid, number)

    def wait(self) -> int:
        """The command's exit code, −n where signal n ended it; what it leaves behind is ended, too."""
        threading.Thread(target=self.watch, daemon=True).start()
        # Looked at, not taken: until it is, its number can't be another group's.
        if hasattr(os, "waitid"):
            os.waitid(os.P_PID, self.child.pid, os.WEXITED | os.WNOWAIT)
            self.signal(signal.SIGKILL)
        return self.child.wait()


def say(code: int, why: str = "") -> NoReturn:
    with contextlib.suppress(OSError):  # nobody may be there to hear it
        os.write(2, "{}\x1esepia-guard-ended:{}\n".format(why, code).encode())
    os._exit(code if code >= 0 else 128 - code)


def main() -> None:
    # A byte at a time: what comes after this line is read without a buffer.
    line = io.BufferedReader(io.FileIO(0, closefd=False), 1).readline()
    arguments = json.loads(line)
    try:
        guard = Guard(arguments["command"], arguments["environment"], arguments["silence"])
    except OSError as error:
        missing = isinstance(error, FileNotFoundError)
        say(127 if missing else 126, "{}: {}\n".format(arguments["command"][0], error.strerror))
    for number in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM):
        signal.signal(number, guard.end)
    say(guard.wait())


if __name__ == "__main__":
    main()
