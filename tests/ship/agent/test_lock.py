"""One at a time, and never after its process."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from sepia.ship.agent.errors import Refused
from sepia.ship.agent.lock import locked


def test_the_second_is_told_who_holds_it(tmp_path: Path) -> None:
    import os

    with locked(tmp_path / "a" / "lock"):
        with (
            pytest.raises(Refused, match=f"process {os.getpid()} is at work") as error,
            locked(tmp_path / "a" / "lock", 0),
        ):
            pass
        assert error.value.kind == "busy"
    with locked(tmp_path / "a" / "lock", 0):
        pass


def test_a_child_that_stays_does_not_hold_it(tmp_path: Path) -> None:
    with locked(tmp_path / "lock"):
        child = subprocess.Popen(["sleep", "60"], close_fds=False)
    try:
        with locked(tmp_path / "lock", 0):
            pass
    finally:
        child.kill()
        child.wait()


def test_a_link_in_its_place_is_refused(tmp_path: Path) -> None:
    (tmp_path / "lock").symlink_to("victim")
    with pytest.raises(Refused) as error, locked(tmp_path / "lock"):
        pass
    assert error.value.kind == "disk"
    assert not (tmp_path / "victim").exists()
