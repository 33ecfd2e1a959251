"""What is pushed over SSH is trusted no more than what is pulled; two who push at once do no harm."""

from __future__ import annotations

import json
import subprocess
from concurrent.futures import ThreadPoolExecutor

import pytest
from sepia.ship.parts import RepositoryFolder
from sepia.ship.push import PushedTo, push
from support.fault_page import Saw
from support.ship_board import ShipBoard
from support.ship_fixtures import FIRST, kitchen, kitchen_board, story
from support.tuf_story import Story

__all__ = ["kitchen", "kitchen_board", "story"]  # fixtures by import

pytestmark = pytest.mark.slow

NEW = "1.1.0"


def refused(kitchen: ShipBoard, story: Story) -> str:
    """The line of an update from an inbox that holds the repository as it is now."""
    inbox = kitchen.ship / "inbox" / "pushed"
    inbox.parent.mkdir(exist_ok=True)
    subprocess.run(["cp", "-r", str(story.repository), str(inbox)], check=True)
    subprocess.run(["chown", "-R", "1000:1000", str(inbox.parent)], check=True)
    line = kitchen.agent("update", "--inbox", "pushed").error
    assert kitchen.runs() == FIRST
    assert kitchen.left_over() == []
    return line


def test_changed_bundle(kitchen: ShipBoard, story: Story, saw_ship: Saw) -> None:
    story.deltas = False
    story.publish(NEW)
    path = next((story.repository / "targets").glob(f"**/*.{NEW}.sepia"))
    data = path.read_bytes()
    path.write_bytes(data[:-2000] + bytes([data[-2000] ^ 1]) + data[-1999:])
    saw_ship("changed bundle, pushed", refused(kitchen, story))
    path.write_bytes(data)
    pushed(kitchen, story)


def test_swapped_signature(kitchen: ShipBoard, story: Story, saw_ship: Saw) -> None:
    before = json.loads(story.forger.newest(story.role).read_bytes())["signatures"]
    story.publish(NEW)
    path = story.forger.newest(story.role)
    right = path.read_bytes()
    path.write_text(json.dumps({**json.loads(right), "signatures": before}), encoding="utf-8")
    saw_ship("swapped signature, pushed", refused(kitchen, story))
    path.write_bytes(right)
    pushed(kitchen, story)


def test_two_pushes_at_once(kitchen: ShipBoard, story: Story, saw_ship: Saw) -> None:
    story.publish(NEW, takes_s=1.0)
    with ThreadPoolExecutor(2) as pool:
        both = list(pool.map(lambda _: pushed(kitchen, story), range(2)))
    results = sorted(one.models[0].result for one in both)
    saw_ship("two pushes at once", f"kitchen: {results[0]}, and {results[1]}")


def pushed(kitchen: ShipBoard, story: Story) -> PushedTo:
    """By the product, over SSH; the board runs the new version then."""
    with kitchen.connected() as transport:
        done = push(transport, RepositoryFolder(story.repository))
    assert done.ok, done
    assert kitchen.runs() == NEW
    return done
