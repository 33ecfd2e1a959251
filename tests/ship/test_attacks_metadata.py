"""Attacks on what the repository says of itself, on a real web server, tried on an emulated board that pulls from it.

After each the board runs what it ran, whole; and where the attack ends, it takes the new version.
"""

from __future__ import annotations

import json
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from securesystemslib.signer import CryptoSigner
from support.fault_page import Saw
from support.ship_board import ShipBoard
from support.ship_fixtures import FIRST, Served, kitchen, kitchen_board, served, story
from support.tuf_story import Story

__all__ = ["kitchen", "kitchen_board", "served", "story"]  # fixtures by import

pytestmark = pytest.mark.slow

NEW = "1.1.0"


def refused(kitchen: ShipBoard, runs: str = FIRST) -> str:
    """The one line of an update that is refused; `runs` goes on, whole, and nothing is left over."""
    line = kitchen.agent("update").error
    assert kitchen.runs() == runs
    assert kitchen.left_over() == []
    return line


def updated(kitchen: ShipBoard, version: str = NEW) -> None:
    said = kitchen.agent("update")
    assert (said.code, kitchen.runs()) == (0, version), said


def test_changed_metadata(kitchen: ShipBoard, story: Story, served: Served, saw_ship: Saw) -> None:
    """Somebody on the way changes which bundle the model's role names."""
    story.publish(NEW)
    path = story.forger.newest(story.role)
    right = path.read_bytes()
    told = json.loads(right)
    for target in told["signed"]["targets"].values():
        target["length"] += 1
    path.write_text(json.dumps(told), encoding="utf-8")
    saw_ship("changed metadata", refused(kitchen))
    path.write_bytes(right)
    updated(kitchen)


def test_swapped_signature(kitchen: ShipBoard, story: Story, served: Served, saw_ship: Saw) -> None:
    """A true signature of the right key, over something else."""
    before = json.loads(story.forger.newest(story.role).read_bytes())["signatures"]
    story.publish(NEW)
    path = story.forger.newest(story.role)
    right = path.read_bytes()
    path.write_text(json.dumps({**json.loads(right), "signatures": before}), encoding="utf-8")
    saw_ship("swapped signature", refused(kitchen))
    path.write_bytes(right)
    updated(kitchen)


def test_old_version_offered_again(
    kitchen: ShipBoard, story: Story, served: Served, tmp_path: Path, saw_ship: Saw
) -> None:
    """The repository as it was, every signature true, to a board that has seen a newer one."""
    shutil.copytree(story.repository, tmp_path / "before")
    story.publish(NEW)
    updated(kitchen)
    shutil.rmtree(story.repository)
    shutil.copytree(tmp_path / "before", story.repository)
    saw_ship("old version offered again", refused(kitchen, NEW))


def test_frozen_metadata(kitchen: ShipBoard, story: Story, served: Served, saw_ship: Saw) -> None:
    """The same timestamp for longer than it was meant to be used."""

    def expire(timestamp: Any) -> None:
        timestamp.expires = datetime.now(UTC).replace(microsecond=0) - timedelta(days=1)

    story.forger.edit("timestamp", expire)
    saw_ship("frozen metadata", refused(kitchen))


def test_mixed_repositories(kitchen: ShipBoard, story: Story, served: Served, saw_ship: Saw) -> None:
    """The new snapshot with what the model's role said before: two states, each signed truly."""
    old = story.forger.newest(story.role).read_bytes()
    story.publish(NEW)
    path = story.forger.newest(story.role)
    right = path.read_bytes()
    path.write_bytes(old)
    saw_ship("mixed repositories", refused(kitchen))
    path.write_bytes(right)
    updated(kitchen)


def test_another_repositorys_root(
    kitchen: ShipBoard, story: Story, served: Served, tmp_path: Path, saw_ship: Saw
) -> None:
    """A whole repository of somebody else's, with a new root of his own keys."""
    other = Story(tmp_path / "other")
    other.publish(NEW)
    other.forger.edit("root", lambda root: None)
    shutil.rmtree(story.repository)
    shutil.copytree(other.repository, story.repository)
    saw_ship("another repository's root", refused(kitchen))


def test_key_without_the_right(kitchen: ShipBoard, story: Story, served: Served, saw_ship: Saw) -> None:
    """Whoever publishes to another channel signs for this one."""
    thief = CryptoSigner.generate_ed25519()
    story.signers[story.role] = [thief]
    story.publish(NEW)
    saw_ship("key without the right", refused(kitchen))


def test_revoked_key(kitchen: ShipBoard, story: Story, served: Served, saw_ship: Saw) -> None:
    """The model's key was stolen, and another put in its place; the thief publishes."""
    stolen = story.signers[story.role]
    story.signers[story.role] = [CryptoSigner.generate_ed25519()]
    delegate(story, threshold=1)
    story.publish("1.0.1")
    updated(kitchen, "1.0.1")
    story.signers[story.role] = stolen
    story.publish(NEW)
    saw_ship("revoked key", refused(kitchen, "1.0.1"))


def test_threshold_not_met(kitchen: ShipBoard, story: Story, served: Served, saw_ship: Saw) -> None:
    """Two have to sign, and one has."""
    both = [CryptoSigner.generate_ed25519(), CryptoSigner.generate_ed25519()]
    story.signers[story.role] = both
    delegate(story, threshold=2)
    story.publish("1.0.1")
    updated(kitchen, "1.0.1")
    story.signers[story.role] = both[:1]
    story.publish(NEW)
    saw_ship("threshold not met", refused(kitchen, "1.0.1"))


def delegate(story: Story, threshold: int) -> None:
    """The top-level role trusts the model's role with the keys that it has now, and no others."""
    keys = [signer.public_key for signer in story.signers[story.role]]

    def trust(targets: Any) -> None:
        role = targets.delegations.roles[story.role]
        role.keyids, role.threshold = [key.keyid for key in keys], threshold
        targets.delegations.keys = {key.keyid: key for key in keys}

    story.forger.edit("targets", trust)
    story.forger.edit(story.role, lambda targets: None)
    story.forger.seal("targets", story.role)
