"""Whom a board will trust is read and checked before it goes there."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from sepia.errors import InputError, TrustError
from sepia.ship.trust import read_trust
from support.tuf_story import Story


def test_of_a_folder_the_newest_is_taken(story: Story) -> None:
    first = read_trust(story.repository)
    assert (first.version, first.root) == (1, story.root.read_bytes())
    story.forger.edit("root", lambda root: None)
    assert read_trust(story.repository).version == 2
    assert read_trust(story.root) == first


def test_no_repository(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"is no repository: it has no metadata/N\.root\.json; next: sepia ship keys"):
        read_trust(tmp_path)
    with pytest.raises(InputError, match=r"root\.json: cannot be read \(No such file"):
        read_trust(tmp_path / "root.json")


def test_other_metadata(story: Story) -> None:
    with pytest.raises(TrustError, match=r"metadata of another kind; accepted: a root\.json"):
        read_trust(story.repository / "metadata" / "timestamp.json")


def test_signed_by_one_of_two(story: Story, tmp_path: Path) -> None:
    told = json.loads(story.root.read_bytes())
    del told["signatures"][0]
    path = tmp_path / "root.json"
    path.write_text(json.dumps(told))
    with pytest.raises(TrustError, match=r"root\.json: is no root that can be trusted \(root was signed by 1/2 keys"):
        read_trust(path)


@pytest.mark.parametrize("text", ["", "{}", "[]", "no JSON", "x" * (1 << 20) + "x"])
def test_no_metadata(text: str, tmp_path: Path) -> None:
    path = tmp_path / "root.json"
    path.write_text(text)
    with pytest.raises(TrustError, match=r"root\.json: (is no root that can be trusted|has 1048577 bytes)"):
        read_trust(path)
