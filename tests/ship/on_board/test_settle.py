"""What of the agents in a board's folder stays."""

from __future__ import annotations

import os
from pathlib import Path

from sepia.ship.on_board.settle import forget, look


def test_the_oldest_agents_are_forgotten(tmp_path: Path) -> None:
    for number, name in enumerate(("0.1.0-aa", "0.1.0-bb", "0.2.0-cc", ".0.3.0-dd.partial")):
        (tmp_path / "agents" / name).mkdir(parents=True)
        os.utime(tmp_path / "agents" / name, (number, number))
    forget(tmp_path / "agents", "0.1.0-aa")
    # One that still runs may be of the agent before; what is being pushed is another's.
    assert sorted(path.name for path in (tmp_path / "agents").iterdir()) == [
        ".0.3.0-dd.partial",
        "0.1.0-aa",
        "0.2.0-cc",
    ]


def test_a_folder_with_nothing_in_it(tmp_path: Path) -> None:
    nothing = {"agent": None, "config": None, "trust": None, "agents": []}
    assert look(tmp_path / "ship") == {"root": str(tmp_path / "ship"), **nothing}
