"""Shipping by the command line: to boards with a real SSH server, and the whole story on emulated cores."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from support.arm_board import ArmBoard
from support.board_commands import BoardCommands
from support.small_bundles import TARGETS
from support.tuf_story import Story

SHIP = "/home/pi/.sepia/ship"


@pytest.mark.slow
@pytest.mark.parametrize(("architecture", "kind"), [("arm64", "pi4"), ("armel", "pizero")])
def test_install_push_status_rollback_verify(
    architecture: str, kind: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    board: ArmBoard = request.getfixturevalue(f"{architecture}_board")
    sepia, story = BoardCommands(tmp_path), Story(tmp_path / "story", target=TARGETS[architecture])
    sepia.add("kitchen", board, kind)
    repository = story.repository
    story.publish("1.0.0")
    following = ("--trust", repository, "--model", story.model, "--target", story.target)

    done = sepia.run("ship", "install", "kitchen", *following)
    assert done.returncode == 0, done.stderr
    assert f"follows {story.model}; nothing runs it by itself: it has no systemd" in done.stdout
    (row,) = sepia.rows("ship", "install", "kitchen", *following)
    assert row["installed"]["sent"] == 0

    done = sepia.run("ship", "push", "kitchen", "--repository", repository)
    assert done.returncode == 0, done.stdout + done.stderr
    assert board.path(f"{SHIP}/models/{story.model}").joinpath("current").readlink().name.startswith("1.0.0-")
    story.publish("1.1.0")
    (row,) = sepia.rows("ship", "push", "kitchen", "--repository", repository)
    (model,) = row["pushed"]["models"]
    assert (model["before"], model["version"], model["result"], model["how"]) == ("1.0.0", "1.1.0", "switched", "delta")
    bundle = story.bundles[0].path
    done = sepia.run("ship", "push", bundle, "kitchen", "--repository", repository)
    assert done.returncode == 1
    assert "that bundle is not what is offered to it: lite0 1.1.0 is" in done.stdout

    done = sepia.run("ship", "status", "kitchen")
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[1].split()[:3] == ["kitchen", story.model, "1.1.0"]
    done = sepia.run("ship", "verify", "kitchen")
    assert (done.returncode, done.stdout) == (0, f"kitchen: {story.model} 1.1.0 is whole\n")
    done = sepia.run("ship", "rollback", "kitchen")
    assert (done.returncode, done.stdout) == (0, f"kitchen: {story.model} 1.0.0 runs\n")
    done = sepia.run("ship", "status", "kitchen")
    assert f"kitchen: {story.model} 1.1.0 is not taken again: it was rolled back from" in done.stdout

    done = sepia.run("ship", "verify", bundle, "--trust", repository)
    assert "whole, signed for in stable" in done.stdout, done.stderr
    done = sepia.run("ship", "install", "kitchen", "--remove")
    assert done.returncode == 0, done.stderr
    assert not board.path(SHIP).exists()
    done = sepia.run("ship", "status", "kitchen")
    assert (done.returncode, "has no agent in" in done.stdout) == (1, True)


@pytest.mark.slow
def test_the_whole_story(sepia: Callable[..., object], nets: Path, run_file: Path, tmp_path: Path) -> None:
    folder = tmp_path / "tiny"
    for words in (("export", "nets.py:tiny", "-o", folder), ("quantize", folder, "--calibrate", "data.npy")):
        assert sepia(*words).returncode == 0  # type: ignore[attr-defined]
    done = sepia("ship", "rehearse", folder, "--json", timeout=500)
    assert done.returncode == 0, done.stdout + done.stderr  # type: ignore[attr-defined]
    told = json.loads(done.stdout)  # type: ignore[attr-defined]
    assert told["ok"]
    assert [board["target"] for board in told["boards"]] == [
        "pi4-bookworm64-litert-t1",
        "pizero-bookworm32-native-t1",
    ]
    for board in told["boards"]:
        good, worse = board["took"]
        assert (good["result"], good["runs"]) == ("switched", "1.0.0")
        assert good["bytes"] > worse["bytes"] > 0
        assert worse["delta"]
        assert (worse["result"], worse["kind"], worse["runs"]) == ("refused", "self-test", "1.0.0")
        # An emulated core has right outputs, and no time.
        assert (board["how"], good["p50_ms"]) == ("emulated", None)
    lines = done.stderr.splitlines()  # type: ignore[attr-defined]
    assert any("1.1.0 is worse: " in line for line in lines)
    assert sum("1.0.0 goes on" in line for line in lines) == 2
