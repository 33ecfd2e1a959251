"""Fifty boards at once, in one command."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sepia.devices.inventory import Inventory
from support.arm_board import ArmBoard

BOARDS = 50
MEGABYTES = 5


@pytest.mark.slow
def test_fifty_boards_in_one_command(
    arm_board: Callable[..., ArmBoard], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first = arm_board("pi4")  # what all share is made once
    with ThreadPoolExecutor(8) as pool:
        boards = [first, *pool.map(lambda _: arm_board("pi4"), range(BOARDS - 1))]
    inventory = Inventory(tmp_path / "boards.toml")
    for board in boards:
        inventory.add(f"board{board.number}", board.destination, "pi4")
    config = tmp_path / "ssh_config"
    config.write_text("".join(board.ssh_config.read_text(encoding="utf-8") for board in boards), encoding="utf-8")

    began = time.monotonic()
    ran = subprocess.run(
        [sys.executable, "-m", "sepia", "devices", "probe", "--all", "--transfer", str(MEGABYTES), "--json"],
        capture_output=True,
        text=True,
        timeout=500,
        env={**os.environ, "SEPIA_CONFIG": str(tmp_path), "SEPIA_SSH_CONFIG": str(config)},
    )
    seconds = time.monotonic() - began
    assert ran.returncode == 0, ran.stdout + ran.stderr
    rows = json.loads(ran.stdout)
    assert sorted(row["board"] for row in rows) == sorted(f"board{board.number}" for board in boards)
    for row in rows:
        assert row["facts"]["machine"] == "aarch64"
        assert row["facts"]["model"] == "Raspberry Pi 4 Model B Rev 1.4"
        assert row["transfer"]["bytes"] == MEGABYTES * 1_000_000
    with capsys.disabled():
        print(f"\n{BOARDS} boards probed, {MEGABYTES} MB sent to each and checked: {seconds:.1f} s")


@pytest.mark.slow
def test_boards_that_fail_do_not_stop_the_others(arm_board: Callable[..., ArmBoard], tmp_path: Path) -> None:
    """Of five boards one is off, one refuses the login and one has no Python."""
    boards = [arm_board("pi4") for _ in range(5)]
    boards[1].kill_power()
    boards[2].refuse_login()
    boards[3].without_python()
    inventory = Inventory(tmp_path / "boards.toml")
    for name, board in zip("abcde", boards, strict=True):
        inventory.add(name, board.destination)
    config = tmp_path / "ssh_config"
    config.write_text("".join(board.ssh_config.read_text(encoding="utf-8") for board in boards), encoding="utf-8")
    ran = subprocess.run(
        [sys.executable, "-m", "sepia", "devices", "probe", "--all", "--transfer", "1", "--json"],
        capture_output=True,
        text=True,
        timeout=500,
        env={**os.environ, "SEPIA_CONFIG": str(tmp_path), "SEPIA_SSH_CONFIG": str(config)},
    )
    assert ran.returncode == 1, ran.stdout + ran.stderr
    failures = {row["board"]: row.get("failure", "") for row in json.loads(ran.stdout)}
    assert failures["a"] == failures["e"] == ""
    assert "timed out" in failures["b"] or "No route" in failures["b"]
    assert "refused the login" in failures["c"]
    assert "has no Python" in failures["d"]
