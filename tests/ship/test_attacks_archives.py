"""Odd archives in a repository that is signed as it should be, tried on an emulated board: nothing of them is kept.

They stand for a publisher's key in wrong hands: every signature is true.
"""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from support.fault_page import Saw
from support.odd_archives import ESCAPED, ODD, write_odd_archive
from support.ship_board import ShipBoard
from support.ship_fixtures import FIRST, Served, kitchen, kitchen_board, served, story
from support.small_bundles import make_small_bundle
from support.tuf_story import Story
from tuf.api.metadata import TargetFile

__all__ = ["kitchen", "kitchen_board", "served", "story"]  # fixtures by import

pytestmark = pytest.mark.slow

BOMB = "a bomb of 10 GB"


@pytest.mark.parametrize("kind", ODD)
def test_odd_archive(
    kind: str, kitchen: ShipBoard, story: Story, served: Served, tmp_path: Path, saw_ship: Saw
) -> None:
    story.publish_file("1.1.0", write_odd_archive(kind, make_small_bundle(tmp_path, "1.1.0"), tmp_path))
    saw_ship(kind, refused(kitchen))


def test_odd_archive_is_not_tried_again(kitchen: ShipBoard, story: Story, served: Served, tmp_path: Path) -> None:
    story.publish_file("1.1.0", write_odd_archive("a symbolic link", make_small_bundle(tmp_path, "1.1.0"), tmp_path))
    refused(kitchen)
    asked = len(served.server.requests())
    assert kitchen.agent("update").code == 1, "a bundle that was refused is good now"
    assert not any(".sepia" in request.path for request in served.server.requests()[asked:]), "it was fetched again"
    story.publish("1.1.1")
    assert kitchen.agent("update").code == 0
    assert kitchen.runs() == "1.1.1"


def test_bomb(kitchen: ShipBoard, story: Story, served: Served, saw_ship: Saw) -> None:
    """Ten gigabytes, told truly: the length alone is enough."""
    path = story.path("1.1.0.sepia")
    told = TargetFile(10 << 30, {"sha256": "0" * 64}, path)
    story.point("1.1.0", [told])
    saw_ship(BOMB, refused(kitchen))
    assert not any(".sepia" in request.path for request in served.server.requests())


def refused(kitchen: ShipBoard) -> str:
    line = kitchen.agent("update").error
    assert kitchen.runs() == FIRST
    assert kitchen.left_over() == []
    # Its disk and its memory's, and nothing that is mounted in them: /proc changes under the eyes.
    places = [f"{kitchen.board.path(place)}/." for place in ("/", "/tmp")]
    found = subprocess.run(["find", *places, "-xdev", "-name", ESCAPED], capture_output=True, text=True, check=True)
    assert not found.stdout
    return line
