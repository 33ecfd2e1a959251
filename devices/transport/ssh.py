"""A board through the system's OpenSSH."""

from __future__ import annotations

import os
import shlex
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from threading import Lock
from types import TracebackType
from typing import Literal, Self

from ...errors import BoardError
from .children import Beat, Children, Ended
from .guarding import beat, guarded_input, told
from .interface import Ran
from .program import boot
from .ssh_errors import explained, is_of_ssh, no_client
from .ssh_master import Master, NotConnected, client_options, in_english

__all__ = ["SSHTransport"]

# A shell that waits for the command tells the signal that ended it, as 128 + n; sshd itself would tell nothing.
_WRAPPED = '"$0" "$@"; exit $?'


class SSHTransport:
    """A board that `ssh destination` reaches without being asked anything: key, agent, jump hosts and host keys are as
    the user's own configuration has them, and no check of a host key is ever switched off.

    destination: as ssh takes it: "pi4", "pi@10.0.0.7", "ssh://pi@board:2222". name: the board in errors. config: read
    instead of the user's configuration (ssh -F); without it the file that SEPIA_SSH_CONFIG names, if set.
    connect_deadline: for logging in, in s. silence: a board that has answered nothing for so long, in s, is lost; what
    is guarded there has then ended by itself after one and a half times that. One login serves all commands; it is made
    by the first, and made anew by the first after the board was lost. For the rest see `Transport`.
    """

    how: Literal["measured"] = "measured"

    def __init__(
        self,
        destination: str,
        *,
        name: str | None = None,
        config: Path | None = None,
        connect_deadline: float = 30.0,
        silence: float = 20.0,
    ) -> None:
        self.name = name or destination
        self.destination = destination
        if destination.startswith("-") or not destination.strip():
            # It would be an option of ssh's.
            raise BoardError(
                self.name, f"'{destination}' is no destination for ssh", accepted="HOST, USER@HOST, ssh://…"
            )
        named = config or os.environ.get("SEPIA_SSH_CONFIG")
        self._options = ["-F", str(named)] if named else []
        self._connect_deadline = connect_deadline
        self._silence = silence
        self._children = Children(self.name)
        self._connecting = Lock()
        self._master: Master | None = None
        self._closed = False

    def run(
        self,
        command: Sequence[str],
        *,
        deadline: float,
        stdin: Iterable[bytes] = (),
        environment: Mapping[str, str] | None = None,
        guarded: bool = False,
    ) -> Ran:
        began = time.monotonic()
        master = self._connected(deadline)
        words, pieces, kept = self._sent(command, environment, stdin, guarded=guarded)
        ended = self._children.run(
            [*self._session(master), _line(words)],
            stdin=pieces,
            deadline=deadline - (time.monotonic() - began),
            environment=in_english(),
            beat=kept,
            what=command[0],
        )
        known = told(ended) if guarded else None
        if known is None and self._was_lost(ended, master):
            raise self._lost(command[0], master, ended)
        known = known or ended
        return Ran(known.code, known.out, known.err.decode(errors="replace"), time.monotonic() - began)

    def close(self) -> None:
        self._closed = True
        self._children.close()
        master = self._master
        if master is not None:
            master.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _sent(
        self, command: Sequence[str], environment: Mapping[str, str] | None, stdin: Iterable[bytes], *, guarded: bool
    ) -> tuple[list[str], Iterable[bytes], Beat | None]:
        """The words to run there, what they read, and what is sent meanwhile."""
        if not guarded:
            return [*_added(environment), *command], stdin, None
        silence = 1.5 * self._silence
        return boot(), guarded_input(command, environment, stdin, silence=silence), beat(silence)

    def _connected(self, deadline: float) -> Master:
        """The login, made if there is none."""
        with self._connecting:
            if self._master is not None and self._master.alive:
                return self._master
            if self._master is not None:
                self._master.close()
            self._master = master = Master(self.destination, [*client_options(self._silence), *self._options])
            try:
                master.connect(min(deadline, self._connect_deadline))
            except BaseException as error:
                master.close()
                if isinstance(error, NotConnected):
                    raise self._unreachable(error, deadline) from error
                if isinstance(error, FileNotFoundError):
                    raise no_client(self.name) from error
                raise
            return master

    def _session(self, master: Master) -> list[str]:
        shared = ["-S", str(master.socket), "-o", "ControlMaster=no", "-o", "LogLevel=ERROR"]
        waits = ["-o", f"ConnectTimeout={max(1, round(self._connect_deadline))}"]
        return ["ssh", *shared, *waits, *client_options(self._silence), *self._options, "--", self.destination]

    def _was_lost(self, ended: Ended, master: Master) -> bool:
        """Whether ssh failed and not the command: both may end with 255."""
        if ended.code != 255 and ended.code >= 0:
            return False
        if master.ends_soon() or self._closed:
            return True
        return is_of_ssh(ended.err.decode(errors="replace"))

    def _lost(self, doing: str, master: Master, ended: Ended) -> BoardError:
        if self._closed:
            return BoardError(self.name, f"the connection was closed, so '{doing}' was ended", hint="run it again")
        said = f"{master.said}\n{ended.err.decode(errors='replace')}"
        return explained(self.name, self.destination, said, doing=doing)

    def _unreachable(self, error: NotConnected, deadline: float) -> BoardError:
        if self._closed:
            return BoardError(self.name, "the connection was closed in logging in", hint="run it again")
        if error.late and not error.said.strip():
            waited = min(deadline, self._connect_deadline)
            hint = f"is the board on, and in this network? Log in by hand to see: ssh {self.destination}"
            return BoardError(self.name, f"no answer to the login after {waited:g} s", hint=hint)
        return explained(self.name, self.destination, error.said)


def _added(environment: Mapping[str, str] | None) -> list[str]:
    return ["env", *(f"{name}={value}" for name, value in environment.items())] if environment else []


def _line(words: Sequence[str]) -> str:
    """One line for the login shell, whichever it is."""
    return shlex.join(["sh", "-c", _WRAPPED, *words])
