"""This machine as a board."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from types import TracebackType
from typing import Literal, Self

from .children import Children, Ended, NotStarted
from .guarding import beat, guarded_input, told
from .interface import Ran
from .program import boot

__all__ = ["LocalTransport", "run_here"]


class LocalTransport:
    """Commands run here, by this user; "python3" is the Python that runs Sepia. For the rest see `Transport`."""

    how: Literal["measured"] = "measured"

    def __init__(self, name: str = "this machine") -> None:
        self.name = name
        self._children = Children(name)

    def run(
        self,
        command: Sequence[str],
        *,
        deadline: float,
        stdin: Iterable[bytes] = (),
        environment: Mapping[str, str] | None = None,
        guarded: bool = False,
    ) -> Ran:
        words = [sys.executable if command[0] == "python3" else command[0], *command[1:]]
        return run_here(
            self._children,
            words,
            deadline=deadline,
            stdin=stdin,
            environment=environment,
            guarded=guarded,
            what=command[0],
        )

    def close(self) -> None:
        self._children.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def run_here(
    children: Children,
    words: Sequence[str],
    *,
    deadline: float,
    stdin: Iterable[bytes] = (),
    environment: Mapping[str, str] | None = None,
    guarded: bool = False,
    what: str = "",
) -> Ran:
    """`Transport.run` by a process of this machine, for every transport whose commands are that.

    what: the command's name in errors, by default the first of `words`.
    """
    what = what or " ".join(words[:1])
    try:
        if guarded:
            pieces = guarded_input(words, environment, stdin)
            ended = children.run(boot(sys.executable), stdin=pieces, deadline=deadline, beat=beat(), what=what)
            ended = told(ended) or ended
        else:
            added = None if environment is None else {**os.environ, **environment}
            ended = children.run(words, stdin=stdin, deadline=deadline, environment=added, what=what)
    except NotStarted as error:
        ended = Ended(error.code, b"", str(error).encode(), 0.0)
    return Ran(ended.code, ended.out, ended.err.decode(errors="replace"), ended.seconds)
