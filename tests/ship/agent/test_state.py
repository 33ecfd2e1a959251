"""What is remembered is read back as it was written, or refused."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from sepia.ship.agent.errors import Refused
from sepia.ship.agent.state import (
    MOST_EVENTS,
    MOST_LETTERS,
    MOST_REFUSED,
    Check,
    Event,
    Held,
    Kept,
    Refusal,
    State,
    Trial,
    iso,
    read_state,
    write_state,
)

WHEN = "2026-11-25T12:00:00Z"
ONE = Kept("1-" + "a" * 12, "1", "a" * 64, 10, "stable", "pi4-bookworm64-native-t1", WHEN)
TWO = replace(ONE, name="2-" + "b" * 12, version="2", sha256="b" * 64)
THREE = replace(ONE, name="3-" + "c" * 12, version="3", sha256="")
REFUSAL = Refusal("4", "d" * 64, "self-test", "rms 9", WHEN, "0.1.0", "0" * 12)
FULL = State(
    kept=(ONE, TWO, THREE),
    current=THREE.name,
    previous=TWO.name,
    trial=Trial("4", "d" * 64, 10, "beta", "pi4-bookworm64-native-t1", "pending", 2, THREE.name, "health", "no"),
    rollback=ONE.name,
    spoilt="labels.txt",
    held=(Held("2", TWO.name, WHEN),),
    refused=(REFUSAL,),
    last_check=Check(WHEN, "refused", "expired", "timestamp.json"),
    history=(Event(WHEN, "switched", "3", ""),),
)


@pytest.mark.parametrize("state", [State(), FULL], ids=["empty", "full"])
def test_as_it_was_written(tmp_path: Path, state: State) -> None:
    write_state(tmp_path / "state.json", state)
    assert read_state(tmp_path / "state.json") == state


def test_none_where_there_is_none(tmp_path: Path) -> None:
    assert read_state(tmp_path / "state.json") is None


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("schema", 2, "'schema'"),
        ("current", "../../etc", "'../../etc'"),
        ("previous", 3, "'previous'"),
        ("kept", [{"name": "x"}], "'kept[0].bytes'"),
        ("trial", {"phase": "testing"}, "'trial.version'"),
        ("held", {}, "'held'"),
        ("more", 1, "'more'"),
        ("history", [3], "'history[0]'"),
    ],
)
def test_what_this_agent_did_not_write_is_refused(tmp_path: Path, field: str, value: object, said: str) -> None:
    path = tmp_path / "state.json"
    write_state(path, FULL)
    path.write_text(json.dumps({**json.loads(path.read_text()), field: value}))
    with pytest.raises(Refused) as error:
        read_state(path)
    assert error.value.kind == "state"
    assert said in str(error.value)


@pytest.mark.parametrize(
    ("field", "value"), [("phase", "asleep"), ("version", "../x"), ("before", "x"), ("attempts", 0)]
)
def test_a_trial_that_this_agent_did_not_write_is_refused(tmp_path: Path, field: str, value: object) -> None:
    path = tmp_path / "state.json"
    write_state(path, FULL)
    told = json.loads(path.read_text())
    told["trial"][field] = value
    path.write_text(json.dumps(told))
    with pytest.raises(Refused):
        read_state(path)


def test_what_is_remembered_is_bounded() -> None:
    state, now = State(), datetime(2026, 11, 25, tzinfo=UTC)
    for number in range(200):
        state = state.noting(now, "refused", str(number), "x" * 9999)
        state = state.refusing(replace(REFUSAL, sha256=f"{number:064x}", reason="y" * 9999))
    assert [event.version for event in state.history] == [str(number) for number in range(200 - MOST_EVENTS, 200)]
    assert len(state.history[0].detail) == MOST_LETTERS
    assert len(state.refused) == MOST_REFUSED
    assert len(state.refused[0].reason) == MOST_LETTERS
    assert state.refusal(f"{199:064x}") is not None


def test_a_bundle_is_refused_once() -> None:
    state = State().refusing(REFUSAL).refusing(replace(REFUSAL, reason="rms 8"))
    assert [refusal.reason for refusal in state.refused] == ["rms 8"]


def test_the_one_before_is_never_held() -> None:
    assert FULL.earlier(THREE.name) == ONE.name
    assert FULL.earlier(ONE.name) is None
    assert FULL.earlier(None) == THREE.name


def test_times_are_utc() -> None:
    assert iso(datetime(2026, 11, 25, 14, 0, tzinfo=timezone(timedelta(hours=2)))) == WHEN
