from __future__ import annotations

import json
from typing import Any

import pytest
from sepia.ship.agent.errors import Refused
from sepia.ship.agent.pointer import Choice, DeltaAt, read_pointer, share

FOLDER = "lite0/stable/pi4-bookworm64-litert-t4/"
BASE = "ab" * 32
GOOD: dict[str, Any] = {
    "schema": 1,
    "version": "1.2.0",
    "bundle": f"{FOLDER}1.2.0.sepia",
    "rollout": 0.5,
    "deltas": [{"base": BASE, "path": f"{FOLDER}1.2.0.from-abababababab.bsdiff"}],
    "before": {"version": "1.1.0", "bundle": f"{FOLDER}1.1.0.sepia"},
}


def test_a_roll_out_takes_its_share_of_boards_and_the_others_keep_what_came_before() -> None:
    pointer = read_pointer(json.dumps(GOOD).encode(), FOLDER)
    choices = [pointer.choice(f"board-{number}", "lite0") for number in range(1000)]
    new = Choice("1.2.0", f"{FOLDER}1.2.0.sepia", (DeltaAt(BASE, f"{FOLDER}1.2.0.from-abababababab.bsdiff"),), True)
    old = Choice("1.1.0", f"{FOLDER}1.1.0.sepia", (), False)
    assert choices.count(new) + choices.count(old) == 1000
    assert 440 < choices.count(new) < 560  # ± 3.8 standard deviations; the draw is by name, so always the same


def test_who_is_in_a_roll_out_stays_in_it_as_it_grows() -> None:
    at = [share(f"board-{number}", "lite0", "1.2.0") for number in range(50)]
    assert all(0 <= value < 1 for value in at)
    for rollout, ins in ((0.0, 0), (1.0, 50)):
        pointer = read_pointer(json.dumps({**GOOD, "rollout": rollout}).encode(), FOLDER)
        chosen = [pointer.choice(f"board-{number}", "lite0") for number in range(50)]
        assert sum(choice is not None and choice.in_rollout for choice in chosen) == ins


def test_the_draw_is_the_one_that_was_agreed_on() -> None:
    # int(sha256(b"board-7/lite0/1.2.0").hexdigest()[:8], 16) / 2**32, by sha256sum
    assert share("board-7", "lite0", "1.2.0") == 0x5E0D0288 / 2**32


def test_a_board_outside_the_first_roll_out_is_offered_nothing() -> None:
    pointer = read_pointer(json.dumps({**GOOD, "rollout": 0, "before": None}).encode(), FOLDER)
    assert pointer.choice("board-1", "lite0") is None


@pytest.mark.parametrize(
    ("change", "kind", "words"),
    [
        ({"schema": 2}, "pointer", "'schema' is 2; this agent reads 1"),
        ({"version": "../1"}, "pointer", "'version' is '../1'"),
        ({"version": 3}, "pointer", "'version' is no text"),
        ({"rollout": 1.5}, "pointer", "'rollout' is no share"),
        ({"rollout": True}, "pointer", "'rollout' is no share"),
        ({"rollout": float("nan")}, "pointer", "'rollout' is no share"),
        ({"bundle": "lite0/beta/pi4-bookworm64-litert-t4/1.2.0.sepia"}, "not allowed", "is not a file of"),
        ({"bundle": f"{FOLDER}../../beta/x/1.2.0.sepia"}, "not allowed", "is not a file of"),
        ({"bundle": f"{FOLDER}"}, "not allowed", "is not a file of"),
        ({"bundle": "1.2.0.sepia"}, "not allowed", "is not a file of"),
        ({"before": {"version": "1", "bundle": "mobile/stable/x/1.sepia"}}, "not allowed", "is not a file of"),
        ({"before": {"version": "1", "bundle": f"{FOLDER}1.sepia", "x": 1}}, "pointer", "'before.x' is unknown"),
        ({"deltas": [{"base": "AB" * 32, "path": f"{FOLDER}d"}]}, "pointer", "'deltas[0].base' is no SHA-256"),
        ({"deltas": [{"base": BASE, "path": "/etc/passwd"}]}, "not allowed", "is not a file of"),
        ({"deltas": GOOD["deltas"] * 17}, "pointer", "'deltas' are 17; at most 16"),
        ({"extra": 1}, "pointer", "'extra' is unknown"),
    ],
)
def test_what_is_not_agreed_on_is_refused_by_its_name(change: dict[str, Any], kind: str, words: str) -> None:
    with pytest.raises(Refused, match=r"current\.json") as refused:
        read_pointer(json.dumps({**GOOD, **change}).encode(), FOLDER)
    assert refused.value.kind == kind
    assert words in str(refused.value)


@pytest.mark.parametrize("data", [b"", b"[]", b"{" * 100_000, b"\xff", b"null"])
def test_what_is_no_object_is_refused(data: bytes) -> None:
    with pytest.raises(Refused) as refused:
        read_pointer(data, FOLDER)
    assert refused.value.kind == "pointer"
