"""Of a repository, what one board needs and no more."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from sepia.errors import InputError, TrustError
from sepia.ship.parts import Need, RepositoryFolder
from support.tuf_story import Story


def need(story: Story, *kept: str, board: str = "kitchen") -> Need:
    return Need(board, story.model, story.channel, story.target, frozenset(kept))


def newest_pointer(story: Story) -> Path:
    """Nobody checks its digest here: that is for the board."""
    return max((story.repository / "targets").rglob("*.current.json"), key=lambda path: path.stat().st_mtime_ns)


def endings(files: object) -> set[str]:
    return {Path(str(name)).name.split(".", 1)[1] for name in files}  # type: ignore[attr-defined]


def test_metadata_of_what_is_followed(story: Story) -> None:
    story.publish("1.0.0")
    found = RepositoryFolder(story.repository).metadata([need(story)])
    assert sorted(found) == [
        "metadata/1.root.json",
        "metadata/1.targets.json",
        "metadata/2.lite0.stable.json",
        "metadata/2.snapshot.json",
        "metadata/timestamp.json",
    ]
    assert all(path.is_file() for path in found.values())
    other = Need("kitchen", "other", "stable", story.target)
    assert "metadata/2.lite0.stable.json" not in RepositoryFolder(story.repository).metadata([other])


def test_the_whole_bundle_to_who_has_none(story: Story) -> None:
    bundle = story.publish("1.0.0")
    part = RepositoryFolder(story.repository).part(need(story))
    assert (part.version, part.how, part.sha256, part.whole_bytes) == ("1.0.0", "whole", bundle.sha256, bundle.bytes)
    assert endings(part.files) == {"current.json", "1.0.0.sepia"}
    assert all(path.is_file() for path in part.files.values())


def test_a_delta_to_who_has_its_base(story: Story) -> None:
    first = story.publish("1.0.0")
    story.publish("1.1.0")
    folder = RepositoryFolder(story.repository)
    part = folder.part(need(story, first.sha256))
    assert part.how == "delta"
    assert endings(part.files) == {"current.json", f"1.1.0.from-{first.sha256[:12]}.bsdiff"}
    assert folder.part(need(story, "0" * 64)).how == "whole"
    assert folder.part(need(story, first.sha256), whole=True).how == "whole"


def test_nothing_to_who_has_it(story: Story) -> None:
    first = story.publish("1.0.0")
    part = RepositoryFolder(story.repository).part(need(story, first.sha256))
    assert part.how == "nothing"
    assert endings(part.files) == {"current.json"}


def test_a_board_whose_turn_it_is_not(story: Story) -> None:
    first = story.publish("1.0.0")
    second = story.publish("1.1.0")
    pointer = newest_pointer(story)
    told = json.loads(pointer.read_text())
    told |= {"rollout": 0.5, "before": {"version": "1.0.0", "bundle": story.path("1.0.0.sepia")}}
    pointer.write_text(json.dumps(told))
    folder = RepositoryFolder(story.repository)
    offered = {folder.part(need(story, board=f"board{number}")).sha256 for number in range(20)}
    assert offered == {first.sha256, second.sha256}


def test_a_channel_that_is_not_there(story: Story) -> None:
    folder = RepositoryFolder(story.repository)
    assert folder.has("lite0", "stable")
    assert not folder.has("lite0", "beta")
    assert folder.channels("lite0") == ("stable",)
    part = folder.part(Need("kitchen", "lite0", "beta", story.target))
    assert (part.version, part.how, dict(part.files)) == (None, "nothing", {})


def test_no_repository(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"timestamp\.json: cannot be read .*; next: is it a repository"):
        RepositoryFolder(tmp_path).metadata([])
    (tmp_path / "metadata").mkdir()
    (tmp_path / "metadata" / "timestamp.json").write_text("[]")
    with pytest.raises(InputError, match=r"timestamp\.json: is no metadata of The Update Framework"):
        RepositoryFolder(tmp_path).metadata([])


def test_a_pointer_that_leads_elsewhere(story: Story) -> None:
    story.publish("1.0.0")
    pointer = newest_pointer(story)
    pointer.write_text(pointer.read_text().replace(story.path("1.0.0.sepia"), "other/stable/x/1.0.0.sepia"))
    with pytest.raises(TrustError, match="which is not a file of lite0/stable/"):
        RepositoryFolder(story.repository).part(need(story))
