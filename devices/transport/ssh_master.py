"""One login to a board, kept open for the sessions that share it: OpenSSH's connection sharing, its master ours."""

from __future__ import annotations

import os
import re
import secrets
import selectors
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path

from .children import end_group

__all__ = ["Master", "NotConnected", "client_options", "in_english"]

_LONGEST_FOLDER = 60
"""Of a socket's name the system takes about 100 characters, and ssh adds 17 to it for a moment."""
_QUESTIONS = 4
"""How many times a silent board is asked whether it is still there before it is lost."""


_MOMENT_SECONDS = 0.5


class NotConnected(Exception):
    """said: what ssh said of it. late: it had not said anything final by the deadline."""

    def __init__(self, said: str, *, late: bool = False) -> None:
        self.said = said
        self.late = late
        super().__init__(said)


class Master:
    """A login to `destination`, from `connect` until `close` or until the board is lost. options: for ssh."""

    def __init__(self, destination: str, options: Sequence[str]) -> None:
        self._destination = destination
        self._options = list(options)
        self._folder = Path(tempfile.mkdtemp(prefix="sepia-", dir=_short_folder()))
        self._process: subprocess.Popen[bytes] | None = None
        self._closed = False

    @property
    def socket(self) -> Path:
        return self._folder / "s"

    @property
    def alive(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def ends_soon(self) -> bool:
        """Whether the login is over, or will be at once: sessions may hear of it a moment before."""
        if self._process is None:
            return True
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(_MOMENT_SECONDS)
        return not self.alive

    @property
    def said(self) -> str:
        """What ssh has said until now."""
        try:
            return (self._folder / "said").read_text(encoding="utf-8", errors="replace")
        except OSError:
            return ""

    def connect(self, deadline: float) -> None:
        """Log in, and see that the account can run a command. Raises NotConnected, FileNotFoundError without ssh.

        The session of its own that a master has runs `cat`, which ends when our end of the pipe is gone: however this
        process ends, the login ends with it. (With -N it would outlive a kill of ours.)
        """
        until = time.monotonic() + deadline
        shared = ["-M", "-S", str(self.socket), "-o", "ControlPersist=no", "-o", "LogLevel=INFO"]
        waits = ["-o", f"ConnectTimeout={max(1, round(deadline * 0.75))}"]
        # Its words go to a file: whoever inherits a pipe from it keeps that open.
        with (self._folder / "said").open("wb") as said:
            self._process = subprocess.Popen(
                ["ssh", *shared, *waits, *self._options, "--", self._destination, "exec cat"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=said,
                start_new_session=True,
                env=in_english(),
            )
        if self._closed:
            self.close()
        self._await_answer(self._process, until)

    def _await_answer(self, process: subprocess.Popen[bytes], until: float) -> None:
        token = secrets.token_hex(8).encode()
        out = process.stdout
        if process.stdin is None or out is None:
            raise ValueError("a process without pipes")
        with suppress(BrokenPipeError):
            process.stdin.write(token + b"\n")
            process.stdin.flush()
        heard = b""
        with selectors.DefaultSelector() as selector:
            selector.register(out, selectors.EVENT_READ)
            while token not in heard:
                if not selector.select(max(0.0, until - time.monotonic())):
                    raise NotConnected(self.said, late=True)
                piece = os.read(out.fileno(), 1 << 16)
                if not piece:
                    process.wait()
                    # A shell that lets nobody in says so on standard output.
                    raise NotConnected(self.said + heard.decode(errors="replace"))
                heard += piece

    def close(self) -> None:
        """End the login, from any thread, also while `connect` is under way."""
        self._closed = True
        process = self._process
        if process is not None:
            end_group(process, signal.SIGTERM)
            with suppress(subprocess.TimeoutExpired):
                process.wait(2.0)
            end_group(process)
            process.wait()
            for pipe in (process.stdin, process.stdout):
                if pipe is not None:
                    with suppress(OSError):
                        pipe.close()
        shutil.rmtree(self._folder, ignore_errors=True)


def client_options(silence: float) -> list[str]:
    """What every ssh of ours is told. It goes before the user's configuration, which holds in all else.

    silence: see `SSHTransport`. Never here: anything about host keys, names of users, identities or ways to a host.
    """
    settings = {
        "BatchMode": "yes",
        "ServerAliveInterval": max(1, round(silence / _QUESTIONS)),
        "ServerAliveCountMax": _QUESTIONS,
        "ClearAllForwardings": "yes",
        "ForwardAgent": "no",
        "ForwardX11": "no",
        "PermitLocalCommand": "no",
        "RequestTTY": "no",
        "RemoteCommand": "none",
        "EscapeChar": "none",
        **_of_newer_ssh(),
    }
    return [word for name, value in settings.items() for word in ("-o", f"{name}={value}")]


def in_english() -> dict[str, str]:
    """Our environment for ssh: its messages are read, so they must not be translated. No window may ask for a word."""
    return {**os.environ, "LC_ALL": "C", "SSH_ASKPASS_REQUIRE": "never"}


@cache
def _of_newer_ssh() -> dict[str, str]:
    """Settings that would keep a session from running; ssh before 8.7 refuses to know them."""
    told = subprocess.run(["ssh", "-V"], capture_output=True, text=True, check=False, timeout=30).stderr
    found = re.match(r"OpenSSH\w*_(\d+)\.(\d+)", told)
    if found is None or (int(found[1]), int(found[2])) < (8, 7):
        return {}
    return {"SessionType": "default", "StdinNull": "no", "ForkAfterAuthentication": "no"}


def _short_folder() -> str:
    usual = tempfile.gettempdir()
    return usual if len(usual) <= _LONGEST_FOLDER else "/tmp"
