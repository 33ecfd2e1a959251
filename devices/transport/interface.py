"""What every way to a board can do: run one command there, with bytes in and bytes out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Literal, Protocol, Self

__all__ = ["Ran", "Transport"]


@dataclass(frozen=True)
class Ran:
    """How a command ended. code: its exit code, or −n where signal n ended it and that is known.

    out: standard output. err: standard error, decoded. seconds: wall time, the way there included.
    """

    code: int
    out: bytes
    err: str
    seconds: float


class Transport(Protocol):
    """A way to one board. Everything else that Sepia does on a board (probe, push, measure) is done through `run`.

    Use as a context manager, or call `close`.
    """

    @property
    def name(self) -> str:
        """The board as the user named it; errors begin with it."""
        ...

    @property
    def how(self) -> Literal["measured", "emulated"]:
        """How figures from this board are had."""
        ...

    def run(
        self,
        command: Sequence[str],
        *,
        deadline: float,
        stdin: Iterable[bytes] = (),
        environment: Mapping[str, str] | None = None,
        guarded: bool = False,
    ) -> Ran:
        """Run `command` (words, never a shell's line) and wait until it ends, `deadline` seconds at most.

        stdin: pieces sent as the command takes them, then end of file. environment: added to the board's own. guarded:
        the command and its children end when the connection does, and a signal is told as −n; costs a process on the
        board. Where the command word is "python3", it is the board's Python. Safe to call from several threads.

        A command that fails is no error: see `Ran.code` (127: not found there). Raises BoardError if the board can't be
        reached, refuses the login, is lost, or is not done by the deadline; each in one line with what to do next.
        """
        ...

    def close(self) -> None:
        """End what runs, from any thread; a `run` under way raises BoardError."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...
