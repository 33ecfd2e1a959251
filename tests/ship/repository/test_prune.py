"""What no board may still need goes; what one may is there, for a board with last week's metadata too."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from sepia.errors import ConfigError, TrustError
from sepia.ship.repository import check, prune, publish, rotate, withdraw
from sepia.ship.repository.edit import now
from support.followed_repository import TARGET
from support.small_bundles import MODEL

if TYPE_CHECKING:
    from conftest import Place

VERSIONS = ("1.0.0", "1.1.0", "1.2.0", "1.3.0")


@pytest.fixture
def filled(place: Place) -> Place:
    for version in VERSIONS:
        publish(place.repository, place.keys, place.bundle(version), "stable", deltas=1)
    return place


def bundles_in(repository: Path) -> set[str]:
    return {path.name.split(".", 1)[1].removesuffix(".sepia") for path in repository.rglob("*.sepia")}


def test_old_versions_go_once_nobody_can_be_after_them(filled: Place) -> None:
    old = filled.follower.refresh()
    pruned = prune(filled.repository, filled.keys, keep=2)
    folder = f"{MODEL}/stable/{TARGET}"
    assert pruned.versions == (f"{folder}/1.0.0.sepia", f"{folder}/1.1.0.sepia")
    assert bundles_in(filled.repository) == set(VERSIONS)
    held = old.get_targetinfo(f"{folder}/1.0.0.sepia")
    assert held is not None and Path(old.download_target(held)).is_file()
    later = now() + timedelta(days=15)
    again = prune(filled.repository, filled.keys, keep=2, at=later)
    assert bundles_in(filled.repository) == {"1.2.0", "1.3.0"}
    assert again.bytes > 2 * 8000
    assert filled.follower.offer()["version"] == "1.3.0"
    check(filled.repository, filled.keys)


def test_what_a_pointer_names_stays_however_old(filled: Place) -> None:
    withdraw(filled.repository, filled.keys, MODEL, "stable")
    withdraw(filled.repository, filled.keys, MODEL, "stable")
    prune(filled.repository, filled.keys, keep=2, grace_days=0)
    told = filled.follower.offer()
    assert (told["version"], told["before"]["version"]) == ("1.1.0", "1.0.0")


def test_a_pruned_version_keeps_its_name(filled: Place, tmp_path: Path) -> None:
    prune(filled.repository, filled.keys, keep=2, grace_days=0)
    from support.followed_repository import bundle

    with pytest.raises(TrustError, match=r"lite0 1\.0\.0: is published for .* with other bytes"):
        publish(filled.repository, filled.keys, bundle(tmp_path, "1.0.0", does="cat -"), "stable")
    with pytest.raises(TrustError, match=r"lite0 1\.0\.0: was offered before another"):
        publish(filled.repository, filled.keys, filled.bundle("1.0.0"), "stable")


def test_roots_and_what_is_in_force_stay(filled: Place) -> None:
    rotate(filled.repository, filled.keys, "root", "root-1", "root-4")
    prune(filled.repository, filled.keys, keep=2, grace_days=0)
    names = sorted(path.name.split(".", 1)[1] for path in (filled.repository / "metadata").iterdir())
    expected = ["json", "root.json", "root.json", "snapshot.json", "targets.json"]
    assert names == sorted([*expected, f"{MODEL}.beta.json", f"{MODEL}.stable.json"])
    filled.follower.offer()


def test_what_an_interrupted_publisher_left_goes(filled: Place) -> None:
    folder = filled.repository / "targets" / MODEL / "stable" / TARGET
    left = [folder / ".partial-0123456789ab-x.sepia", folder / ("0" * 64 + ".9.9.9.sepia")]
    left += [
        filled.repository / "metadata" / name for name in (".partial-0123456789ab-x.json", f"99.{MODEL}.beta.json")
    ]
    for path in left:
        path.write_bytes((filled.repository / "metadata" / f"1.{MODEL}.beta.json").read_bytes())
    prune(filled.repository, filled.keys)
    assert not [path for path in left if path.exists()]
    assert filled.follower.offer()["version"] == "1.3.0"


def test_without_the_channels_key_nothing_is_forgotten(filled: Place) -> None:
    (filled.keys.folder / f"{MODEL}.stable").unlink()
    pruned = prune(filled.repository, filled.keys, keep=2, grace_days=0)
    assert pruned.versions == ()
    assert bundles_in(filled.repository) == set(VERSIONS)
    assert not (filled.repository / "waiting").exists()


def test_odd_numbers(filled: Place) -> None:
    with pytest.raises(ConfigError, match="keep: is 1; accepted: 2 or more"):
        prune(filled.repository, filled.keys, keep=1)
    with pytest.raises(ConfigError, match="grace: is -1 days"):
        prune(filled.repository, filled.keys, grace_days=-1)
