"""Whether a bundle here is signed for: judged as a board would."""

from __future__ import annotations

from pathlib import Path

import pytest
from sepia.errors import ConfigError, InputError, TrustError
from sepia.ship.verify import verify_file
from support.small_bundles import make_small_bundle
from support.tuf_story import Story


def test_it_is(story: Story) -> None:
    story.publish("1.0.0")
    old = story.publish("1.1.0")
    found = verify_file(old.path, story.repository, story.root)
    assert (found.sha256, found.bytes, found.channels) == (old.sha256, old.bytes, ("stable",))
    assert found.manifest.version == "1.1.0"


def test_nobody_has_signed_for_it(story: Story, tmp_path: Path) -> None:
    story.publish("1.0.0")
    made = make_small_bundle(tmp_path, "2.0.0", target=story.target, model=story.model)
    with pytest.raises(TrustError, match=r"nobody has signed for lite0 2\.0\.0 for host-debian12-native-t1"):
        verify_file(made.path, story.repository)


def test_another_of_its_name(story: Story, tmp_path: Path) -> None:
    story.publish("1.0.0")
    made = make_small_bundle(tmp_path, "1.0.0", target=story.target, model=story.model, payload=999)
    with pytest.raises(TrustError, match=r"is not the bundle that is signed as lite0 1\.0\.0"):
        verify_file(made.path, story.repository)


def test_no_bundle(story: Story, tmp_path: Path) -> None:
    path = tmp_path / "a.sepia"
    path.write_bytes(b"nothing of the kind")
    with pytest.raises(InputError, match=r"a\.sepia"):
        verify_file(path, story.repository)
    with pytest.raises(ConfigError, match=r"^--trust: .* is no folder; accepted: the repository's folder"):
        verify_file(path, story.root)


def test_whom_nobody_trusts(story: Story, tmp_path: Path) -> None:
    """The repository's own root is in order, and is not the one that was kept apart."""
    bundle = story.publish("1.0.0")
    other = Story(tmp_path / "other", model=story.model, target=story.target)
    with pytest.raises(TrustError):
        verify_file(bundle.path, story.repository, other.root)
