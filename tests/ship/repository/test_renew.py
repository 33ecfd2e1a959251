"""What the publisher's timer does each day, and what it says of what ends."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from sepia.errors import ConfigError
from sepia.ship.repository import check, renew
from sepia.ship.repository.edit import now
from support.small_bundles import MODEL

if TYPE_CHECKING:
    from conftest import Place


def test_the_timestamp_always_the_snapshot_at_half_time(place: Place) -> None:
    assert set(renew(place.repository, place.keys).versions) == {"timestamp"}
    assert set(renew(place.repository, place.keys, at=now() + timedelta(days=3)).versions) == {"timestamp"}
    assert set(renew(place.repository, place.keys, at=now() + timedelta(days=4)).versions) == {"snapshot", "timestamp"}


def test_a_year_of_days_with_offline_keys_four_times(place: Place) -> None:
    for day in range(0, 360, 6):
        at = now() + timedelta(days=day)
        outcome = renew(place.repository, place.keys, at=at)
        roles = [line.split()[0] for line in outcome.warnings]
        assert not {"timestamp", "snapshot"} & set(roles)
        if f"{MODEL}.stable" in roles:
            assert set(roles) == {"targets", f"{MODEL}.stable", f"{MODEL}.beta"} | ({"root"} & set(roles))
            renew(place.repository, place.keys, [f"{MODEL}.stable", f"{MODEL}.beta", "targets"], at=at)
    assert "root" in roles
    assert check(place.repository, place.keys, at=at).roles[0].version == 1


def test_what_ends_is_told_and_what_ended_too(place: Place) -> None:
    assert renew(place.repository, place.keys, ["targets"], days=1).warnings == ()
    soon = renew(place.repository, place.keys, at=now() + timedelta(hours=20)).warnings
    assert [one.split(" on ")[0] for one in soon] == ["targets expires"]
    ended = renew(place.repository, place.keys, at=now() + timedelta(days=2)).warnings
    assert [one.split(" on ")[0] for one in ended] == ["targets expired"]


def test_another_lifetime_lasts(place: Place) -> None:
    renew(place.repository, place.keys, ["targets"], days=10)
    renew(place.repository, place.keys, ["targets"])
    (targets,) = (one for one in check(place.repository).roles if one.role == "targets")
    assert targets.expires[:10] == (now() + timedelta(days=10)).isoformat()[:10]


def test_an_unknown_role(place: Place) -> None:
    with pytest.raises(ConfigError, match=r"lite0\.stabel: is no role of .*; accepted: did you mean lite0\.stable"):
        renew(place.repository, place.keys, ["lite0.stabel"])
