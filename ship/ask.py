"""A board's agent, asked over whatever way there is to the board."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..devices.transport import Transport
from ..devices.transport.program import answered, boot, ending, sent
from ..errors import BoardError

__all__ = ["Answer", "ask"]

_ASK = Path(__file__).resolve().parent / "on_board" / "ask.py"


@dataclass(frozen=True)
class Answer:
    """told: the agent's JSON object. lines: what it said to people. ok: whether it refused nothing."""

    told: dict[str, Any]
    lines: tuple[str, ...]

    @property
    def ok(self) -> bool:
        return "error" not in self.told

    @property
    def kind(self) -> str:
        return str(self.told.get("kind", ""))

    def refused(self, board: str) -> BoardError:
        """What it refused, as an error of ours."""
        return BoardError(board, str(self.told["error"]), hint=str(self.told.get("hint", "")))


def ask(
    transport: Transport, root: str, *words: str, deadline: float, refusal: bool = False, guarded: bool = True
) -> Answer:
    """Run the agent's command `words` on the board. root: its folder, absolute or from "~".

    refusal: an answer that it refused something is given back. guarded: it ends with the connection, and what that
    leaves is finished or undone by its next start; a command that only looks needs no such guard. Raises BoardError: no
    agent there, no answer, and, without `refusal`, what it refused.
    """
    arguments = {"root": root, "words": list(words)}
    ran = transport.run(boot(), stdin=sent(_ASK, arguments), deadline=deadline, guarded=guarded)
    told = answered(ran)
    if told is None:
        what, hint = ("has no Python", "") if ran.code == 127 else ending(ran)
        raise BoardError(transport.name, f"its agent {what}" if ran.code != 127 else what, hint=hint)
    answer = Answer(told, tuple(line for line in ran.err.splitlines() if line.strip()))
    if answer.ok and ran.code:
        what, hint = ending(ran)
        raise BoardError(transport.name, f"its agent {what}", hint=hint)
    if not answer.ok and (not refusal or answer.kind == "no agent"):
        raise answer.refused(transport.name)
    return answer
