"""A board's agent, asked: its answer, its refusal, and no answer at all."""

from __future__ import annotations

import pytest
from sepia.devices.transport import Ran
from sepia.errors import BoardError
from sepia.ship.ask import ask
from sepia.ship.status import status
from support.fake_board import FakeBoard, said

REFUSED = {"error": "lite0: no version before this one is kept", "hint": "say --to", "kind": "missing"}


def test_its_answer_and_what_it_told_people() -> None:
    board = FakeBoard([said({"ok": True}, err="lite0 1.0.0: runs\n\n")])
    answer = ask(board, "~/.sepia/ship", "status", deadline=5)
    assert (answer.told, answer.lines, answer.ok) == ({"ok": True}, ("lite0 1.0.0: runs",), True)
    assert board.more[0]["guarded"]


def test_what_only_looks_needs_no_guard() -> None:
    board = FakeBoard([said({"ok": True})])
    status(board)
    assert not board.more[0]["guarded"]


def test_a_refusal() -> None:
    with pytest.raises(BoardError, match=r"^pi4: lite0: no version before this one is kept; next: say --to$"):
        ask(FakeBoard([said(REFUSED, code=1)]), "r", "rollback", deadline=5)
    answer = ask(FakeBoard([said(REFUSED, code=1)]), "r", "rollback", deadline=5, refusal=True)
    assert (answer.ok, answer.kind) == (False, "missing")


def test_no_agent_is_never_an_answer() -> None:
    told = {"error": "has no agent in /home/pi/.sepia/ship", "hint": "sepia ship install", "kind": "no agent"}
    with pytest.raises(BoardError, match="has no agent"):
        ask(FakeBoard([said(told, code=1)]), "r", "update", deadline=5, refusal=True)


@pytest.mark.parametrize(
    ("ran", "message"),
    [
        (Ran(127, b"", "", 0.1), "^pi4: has no Python$"),
        (Ran(1, b"", "Traceback\nKeyError: 'x'\n", 0.1), r"^pi4: its agent ended with code 1: KeyError: 'x'$"),
        (Ran(-9, b"", "", 0.1), r"^pi4: its agent was ended by SIGKILL; next: was there too little memory\?"),
        (Ran(1, b'{"ok": true}', "", 0.1), "^pi4: its agent ended with code 1$"),
    ],
)
def test_no_answer(ran: Ran, message: str) -> None:
    with pytest.raises(BoardError, match=message):
        ask(FakeBoard([ran]), "r", "update", deadline=5, refusal=True)
