"""A board that answers from a script, and remembers what it was asked."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Literal, Self

from sepia.devices.transport import Ran

__all__ = ["FakeBoard", "said"]


def said(answer: Any, *, code: int = 0, err: str = "") -> Ran:
    """A program that printed `answer`, in JSON if it is no text."""
    text = answer if isinstance(answer, str) else json.dumps(answer)
    return Ran(code, text.encode(), err, 0.1)


@dataclass
class FakeBoard:
    """answers: one for each command, in order; an exception is raised."""

    answers: list[Ran | Exception]
    name: str = "pi4"
    how: Literal["measured", "emulated"] = "measured"
    asked: list[list[str]] = field(default_factory=list)
    more: list[dict[str, Any]] = field(default_factory=list)

    def run(
        self,
        command: Sequence[str],
        *,
        deadline: float,
        stdin: Iterable[bytes] = (),
        environment: Mapping[str, str] | None = None,
        guarded: bool = False,
    ) -> Ran:
        self.asked.append(list(command))
        self.more.append({"deadline": deadline, "environment": dict(environment or {}), "guarded": guarded})
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def close(self) -> None:
        pass

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
