"""`sepia ship` for boards: what is printed, what is JSON, and the exit codes. Boards are this machine's or fake."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sepia.cli import main as front
from sepia.cli.ship_text import installed_text, pushed_text, status_text
from sepia.devices import at_each as loop
from sepia.devices.place import Place
from sepia.errors import BoardError
from support.here_board import WRONG, HereBoard, here_board, story_here
from support.tuf_story import Story

Said = tuple[int, str, str]
Sepia = Callable[..., Said]


@pytest.fixture
def story(tmp_path: Path) -> Story:
    return story_here(tmp_path / "story")


@pytest.fixture
def sepia(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Sepia:
    """`sepia(*words)`: exit code, stdout and stderr of `sepia ship`. Each board is this machine, but "shed" is off."""
    monkeypatch.setenv("SEPIA_CONFIG", str(tmp_path / "config"))
    (tmp_path / "home").mkdir()
    board = here_board(tmp_path / "home", monkeypatch)

    @contextmanager
    def reach(place: Place) -> Iterator[HereBoard]:
        if "shed" in place.text:
            raise BoardError(place.text, "no answer to the login after 30 s")
        yield board

    monkeypatch.setattr(loop, "reach", reach)

    def run(*words: object) -> Said:
        with pytest.raises(SystemExit) as left:
            front(["ship", *map(str, words)])
        said = capfd.readouterr()
        return int(left.value.code or 0), said.out, said.err

    return run


def following(story: Story) -> tuple[object, ...]:
    return "--trust", story.repository, "--model", story.model, "--target", story.target


def test_a_boards_life(sepia: Sepia, story: Story, tmp_path: Path) -> None:
    code, out, err = sepia("install", "pi4@kitchen", *following(story), "--health", "true", "--keep", "2")
    assert code == 0, err
    assert out.splitlines()[1:] == ["pi4@kitchen: it has no repository to pull from: it takes what is pushed"]
    config = json.loads((tmp_path / "home/.sepia/ship/config.json").read_text())
    assert config["board"] == "kitchen"
    assert config["models"]["lite0"]["health"] == ["true"]

    story.publish("1.0.0")
    story.publish("1.1.0", does=WRONG)
    code, out, _ = sepia("push", "pi4@kitchen", "pi4@shed", "--repository", story.repository, "--wave", "100%")
    assert code == 1
    assert out.splitlines()[1].split()[:5] == ["pi4@kitchen", "lite0", "-", "-", "refused"]
    assert any(line.startswith("pi4@kitchen: lite0 1.1.0: ") for line in out.splitlines())
    assert out.splitlines()[-1] == "failed: pi4@shed: no answer to the login after 30 s"

    code, out, _ = sepia("status", "pi4@kitchen")
    assert code == 0
    assert out.splitlines()[1].split()[:3] == ["pi4@kitchen", "lite0", "nothing"]
    assert "pi4@kitchen: lite0 1.1.0 was refused on " in out
    code, out, _ = sepia("rollback", "pi4@kitchen", "--json")
    assert (code, json.loads(out)[0]["failure"]) == (1, "kitchen: say which model; accepted: none runs there")
    code, out, _ = sepia("install", "pi4@kitchen", "--remove")
    assert (code, out.startswith("pi4@kitchen: ")) == (0, True)
    assert not (tmp_path / "home/.sepia").exists()


def test_a_wave_that_is_the_last(sepia: Sepia, story: Story) -> None:
    story.publish("1.0.0")
    places = ("pi4@shed", "pi4@kitchen", "pi4@pantry")
    code, out, _ = sepia("push", *places, "--repository", story.repository)
    assert code == 1
    assert out.splitlines() == [
        "failed: pi4@shed: no answer to the login after 30 s",
        "stopped there: 2 boards were not tried (pi4@kitchen, pi4@pantry)",
    ]


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (("install",), "no board; name one, or say --all"),
        (("install", "--all"), "no board; sepia devices add NAME PROFILE@DESTINATION"),
        (("install", "pi4@a"), "--trust is missing"),
        (("install", "pi4@a", "--trust", "nowhere", "--model", "m", "--target", "t"), "nowhere: cannot be read"),
        (("push", "pi4@a"), "Missing option '--repository'"),
        (("push", "pi4@a", "--repository", "nowhere"), "timestamp.json: cannot be read"),
        (("push", "pi4@a", "--repository", "nowhere", "--wave", "many"), "--wave: 'many' in 'many' is neither"),
        (("push", "no.sepia", "pi4@a", "--repository", "nowhere"), "no.sepia: cannot be read"),
        (("verify", "a.sepia"), "--trust is missing: the repository's folder"),
        (("verify", "a.sepia", "pi4@a", "--trust", "r"), "boards or files, not both"),
        (("verify", "a.sepia", "--trust", "r"), "--trust: 'r' is no folder"),
        (("status", "kitchen"), "no board is called 'kitchen'"),
        (("stauts",), "no command 'stauts' (did you mean status?)"),
    ],
)
def test_what_is_said_wrong(sepia: Sepia, words: tuple[str, ...], line: str) -> None:
    code, out, err = sepia(*words)
    assert (code, out) == (1, "")
    assert err.startswith("sepia: ")
    assert line in err
    assert err.count("\n") == 1


def test_a_quote_that_does_not_end(sepia: Sepia, story: Story) -> None:
    code, _, err = sepia("install", "pi4@a", *following(story), "--health", "say 'no")
    assert (code, '--health: "say \'no" cannot be read' in err or "cannot be read" in err) == (1, True)


def test_two_boards_of_one_name(sepia: Sepia, story: Story) -> None:
    code, _, err = sepia("install", "pi4@a", "pi4@b", *following(story), "--name", "x")
    assert (code, "--name is for one board" in err) == (1, True)


def put(**changes: Any) -> dict[str, Any]:
    told = {
        "root": "/home/pi/.sepia/ship", "agent": "0.1.0-aa", "bytes": 1, "sent": 0, "runtime": "", "placed": "system",
        "why": "", "commands": [], "notes": [], "models": ["lite0"],
    }  # fmt: skip
    return {"board": "kitchen", "installed": told | changes}


def test_who_runs_it() -> None:
    text = "kitchen: agent 0.1.0-aa (was there already), follows lite0; its systemd runs it"
    assert installed_text([put()]) == text
    told = installed_text([put(placed="none", why="sudo asks for one", commands=["sudo systemctl …"])])
    assert told.splitlines() == [
        "kitchen: agent 0.1.0-aa (was there already), follows lite0; nothing runs it by itself: sudo asks for one",
        "kitchen: type there, as a user who may:",
        "    sudo systemctl …",
    ]


def test_a_table_of_what_was_pushed() -> None:
    model = {
        "model": "lite0", "before": "1.0.0", "offered": "1.1.0", "version": "1.1.0", "result": "switched",
        "how": "delta", "kind": "", "reason": "", "p50_ms": 41.25, "rss_bytes": 88_000_000, "rms": 0.01,
    }  # fmt: skip
    rows = [{"board": "kitchen", "wave": 1, "pushed": {"models": [model], "sent": 313_000, "whole_bytes": 1}}]
    assert pushed_text(rows).splitlines() == [
        "board    model  before  now    result    sent           test              wave",
        "kitchen  lite0  1.0.0   1.1.0  switched  delta, 313 kB  41.2 ms, 88.0 MB  1",
    ]


def test_what_keeps_a_board_from_what_it_is_offered() -> None:
    refusal = {"version": "1.1.0", "sha256": "a", "when": "2026-01-01T00:00:00Z", "reason": "wrong output"}
    check = {
        "when": "2026-01-02T00:00:00Z",
        "result": "refused",
        "kind": "expired",
        "reason": "timestamp: expired",
    }
    model = {
        "followed": True, "version": "1.0.0", "since": None, "previous": None, "channel": "stable", "target": "t",
        "kept": [], "held": [], "refused": [refusal], "pending": None, "spoilt": "a.bin has changed",
        "last_check": check,
    }  # fmt: skip
    rows = [{"board": "kitchen", "status": {"agent": "0.1.0", "models": {"lite0": model}}}]
    assert status_text(rows).splitlines()[2:] == [
        "kitchen: lite0 is spoilt: a.bin has changed; next: an update puts it right",
        "kitchen: lite0 1.1.0 was refused on 2026-01-01T00:00:00Z: wrong output",
        "kitchen: lite0: the last look ended with: timestamp: expired",
    ]
