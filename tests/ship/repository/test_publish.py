"""What was published is what python-tuf's client downloads, and what is refused changes nothing."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from sepia.errors import ConfigError, InputError, TrustError
from sepia.files import digest
from sepia.ship.agent.patch import apply
from sepia.ship.repository import check, delegate, promote, publish, publish_all, set_rollout, withdraw
from support.followed_repository import TARGET, bundle, state_of
from support.small_bundles import MODEL, TARGETS

if TYPE_CHECKING:
    from conftest import Place

FOLDER = f"{MODEL}/stable/{TARGET}"


def test_a_published_bundle_is_downloaded_over_http(place: Place) -> None:
    made = place.bundle("1.0.0")
    published = publish(place.repository, place.keys, made, "stable")
    assert (published.version, published.rollout, published.before, published.changed) == ("1.0.0", 1.0, None, True)
    assert place.follower.get(f"{FOLDER}/1.0.0.sepia") == made.read_bytes()
    assert place.follower.offer() == {
        "schema": 1, "version": "1.0.0", "bundle": f"{FOLDER}/1.0.0.sepia", "rollout": 1.0, "deltas": [], "before": None
    }  # fmt: skip


def test_the_next_version_names_the_one_before_and_comes_as_a_delta(place: Place) -> None:
    for version in ("1.0.0", "1.1.0"):
        publish(place.repository, place.keys, place.bundle(version), "stable")
    told = place.follower.offer()
    assert (told["version"], told["before"]["version"]) == ("1.1.0", "1.0.0")
    patch = place.folder / "patch"
    patch.write_bytes(place.follower.get(told["deltas"][0]["path"]))
    apply(place.bundle("1.0.0"), patch, place.folder / "result", most_bytes=1 << 20)
    assert (place.folder / "result").read_bytes() == place.bundle("1.1.0").read_bytes()


def test_deltas_come_from_the_last_versions_alone(place: Place) -> None:
    for version in ("1.0.0", "1.1.0", "1.2.0", "1.3.0"):
        published = publish(place.repository, place.keys, place.bundle(version), "stable", deltas=2)
    assert set(published.deltas) == {digest(place.bundle(version)) for version in ("1.1.0", "1.2.0")}


def test_a_delta_that_saves_little_is_dropped(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sepia.ship.repository.deltas.LARGEST_SHARE", 0.01)
    publish(place.repository, place.keys, place.bundle("1.0.0"), "stable")
    assert publish(place.repository, place.keys, place.bundle("1.1.0"), "stable").deltas == {}
    assert not list((place.repository / "targets").rglob("*.bsdiff"))


def test_the_same_bundle_once_more_changes_nothing_and_widens_no_roll_out(place: Place) -> None:
    publish(place.repository, place.keys, place.bundle("1.0.0"), "stable", rollout=0.1)
    before = state_of(place.repository)
    again = publish(place.repository, place.keys, place.bundle("1.0.0"), "stable")
    assert (again.changed, again.rollout, again.note) == (False, 0.1, "was offered already, to 10% of the boards")
    assert state_of(place.repository) == before


def test_a_published_version_never_changes(place: Place, tmp_path: Path) -> None:
    publish(place.repository, place.keys, place.bundle("1.0.0"), "stable")
    before = state_of(place.repository)
    with pytest.raises(TrustError, match=r"lite0 1\.0\.0: is published for .* with other bytes .*another version"):
        publish(place.repository, place.keys, bundle(tmp_path, "1.0.0", does="cat -"), "stable")
    assert state_of(place.repository) == before


def test_boards_outside_a_roll_out_keep_to_what_everybody_had(place: Place) -> None:
    publish(place.repository, place.keys, place.bundle("1.0.0"), "stable")
    publish(place.repository, place.keys, place.bundle("1.1.0"), "stable", rollout=0.1)
    publish(place.repository, place.keys, place.bundle("1.2.0"), "stable", rollout=0.2)
    told = place.follower.offer()
    assert (told["version"], told["rollout"], told["before"]["version"]) == ("1.2.0", 0.2, "1.0.0")


def test_a_roll_out_is_widened_without_a_bundle(place: Place) -> None:
    publish(place.repository, place.keys, place.bundle("1.0.0"), "stable", rollout=0.1)
    (found,) = set_rollout(place.repository, place.keys, MODEL, "stable", 0.5)
    assert (found.version, found.rollout, place.follower.offer()["rollout"]) == ("1.0.0", 0.5, 0.5)
    (same,) = set_rollout(place.repository, place.keys, MODEL, "stable", 0.5)
    assert (same.changed, same.note) == (False, "the roll-out was 0.5 already")


def test_withdraw_goes_back_step_by_step(place: Place) -> None:
    for version in ("1.0.0", "1.1.0", "1.2.0"):
        publish(place.repository, place.keys, place.bundle(version), "stable")
    withdraw(place.repository, place.keys, MODEL, "stable")
    told = place.follower.offer()
    assert (told["version"], told["before"]["version"], told["rollout"]) == ("1.1.0", "1.0.0", 1.0)
    withdraw(place.repository, place.keys, MODEL, "stable")
    told = place.follower.offer()
    assert (told["version"], told["before"]) == ("1.0.0", None)
    with pytest.raises(ConfigError, match=r"lite0 1\.0\.0: has no version before it .*--rollout 0"):
        withdraw(place.repository, place.keys, MODEL, "stable")


def test_a_withdrawn_version_comes_back_only_on_demand(place: Place) -> None:
    for version in ("1.0.0", "1.1.0"):
        publish(place.repository, place.keys, place.bundle(version), "stable")
    withdraw(place.repository, place.keys, MODEL, "stable")
    with pytest.raises(TrustError, match=r"lite0 1\.1\.0: was withdrawn for .*--again"):
        publish(place.repository, place.keys, place.bundle("1.1.0"), "stable")
    publish(place.repository, place.keys, place.bundle("1.1.0"), "stable", again=True)
    told = place.follower.offer()
    assert (told["version"], told["before"]["version"]) == ("1.1.0", "1.0.0")


def test_an_old_version_is_not_published_over_a_newer_one(place: Place) -> None:
    for version in ("1.0.0", "1.1.0"):
        publish(place.repository, place.keys, place.bundle(version), "stable")
    with pytest.raises(TrustError, match=r"lite0 1\.0\.0: was offered before another .*--withdraw"):
        publish(place.repository, place.keys, place.bundle("1.0.0"), "stable")


def test_promotion_offers_the_very_bytes_and_takes_their_room_once(place: Place) -> None:
    for version in ("1.0.0", "1.1.0"):
        publish(place.repository, place.keys, place.bundle(version), "beta")
        (found,) = promote(place.repository, place.keys, MODEL, version, "beta", "stable", rollout=0.25)
    assert (found.channel, found.version, found.rollout) == ("stable", "1.1.0", 0.25)
    assert place.follower.get(f"{FOLDER}/1.1.0.sepia") == place.bundle("1.1.0").read_bytes()
    one, other = (path.stat() for path in (place.repository / "targets").rglob("*.1.1.0.sepia"))
    assert one.st_ino == other.st_ino
    assert len(found.deltas) == 1


def test_what_was_withdrawn_is_not_promoted(place: Place) -> None:
    for version in ("1.0.0", "1.1.0"):
        publish(place.repository, place.keys, place.bundle(version), "beta")
    withdraw(place.repository, place.keys, MODEL, "beta")
    with pytest.raises(TrustError, match=r"lite0 1\.1\.0: was withdrawn from lite0\.beta"):
        promote(place.repository, place.keys, MODEL, "1.1.0", "beta", "stable")
    with pytest.raises(ConfigError, match=r"lite0 1\.3\.0: is not in lite0\.beta; accepted: did you mean 1\.1\.0"):
        promote(place.repository, place.keys, MODEL, "1.3.0", "beta", "stable")


def test_several_targets_are_offered_at_once_and_told_apart(place: Place) -> None:
    other = TARGETS["armel"]
    first = publish_all(
        place.repository, place.keys, [place.bundle("1.0.0"), place.bundle("1.0.0", target=other)], "stable"
    )
    assert {one.target for one in first} == {TARGET, other}
    assert first[0].outcome.versions[f"{MODEL}.stable"] == 2
    publish(place.repository, place.keys, place.bundle("1.1.0"), "stable", rollout=0.5)
    with pytest.raises(ConfigError, match=r"lite0\.stable: offers 1\.0\.0, 1\.1\.0, by target; .*--version"):
        set_rollout(place.repository, place.keys, MODEL, "stable", 1.0)
    set_rollout(place.repository, place.keys, MODEL, "stable", 1.0, target=TARGET)
    assert place.follower.offer(target=other)["version"] == "1.0.0"
    with pytest.raises(ConfigError, match=r"is for the model and the target of .*one after the other"):
        publish_all(place.repository, place.keys, [place.bundle("2.0.0"), place.bundle("2.1.0")], "stable")


def test_a_promoted_delta_is_not_made_again(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    for version in ("1.0.0", "1.1.0"):
        publish(place.repository, place.keys, place.bundle(version), "beta")
    promote(place.repository, place.keys, MODEL, "1.0.0", "beta", "stable")
    monkeypatch.setattr("sepia.ship.repository.deltas.make", None)
    (found,) = promote(place.repository, place.keys, MODEL, "1.1.0", "beta", "stable")
    assert set(found.deltas) == {digest(place.bundle("1.0.0"))}
    place.follower.offer()


def test_a_withdrawn_version_is_no_base_of_deltas(place: Place) -> None:
    for version in ("1.0.0", "1.1.0"):
        publish(place.repository, place.keys, place.bundle(version), "stable")
    withdraw(place.repository, place.keys, MODEL, "stable")
    found = publish(place.repository, place.keys, place.bundle("1.2.0"), "stable")
    assert set(found.deltas) == {digest(place.bundle("1.0.0"))}


def test_a_bundle_that_changes_while_it_is_read(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    before = state_of(place.repository)
    monkeypatch.setattr("shutil.copyfile", lambda source, into: Path(into).write_bytes(b"other"))
    with pytest.raises(InputError, match="was changed while it was read"):
        publish(place.repository, place.keys, place.bundle("1.0.0"), "stable")
    assert state_of(place.repository) == before


def test_one_channel_says_nothing_of_another(place: Place) -> None:
    publish(place.repository, place.keys, place.bundle("1.0.0"), "beta")
    assert place.follower.refresh().get_targetinfo(f"{FOLDER}/1.0.0.sepia") is None


@pytest.mark.parametrize(
    ("model", "channel", "told"),
    [
        ("lite0", "stabel", r"lite0\.stabel: is no channel of a model here; accepted: did you mean lite0\.stable"),
        ("lite9", "stable", r"lite9\.stable: is no channel .*keys delegate \S+ lite9 stable"),
        ("lite0", "Stable", r"channel: 'Stable' is no name of a channel"),
    ],
)
def test_unknown_names_are_refused_with_the_nearest(place: Place, model: str, channel: str, told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        publish(place.repository, place.keys, place.bundle("1.0.0", model=model), channel)


@pytest.mark.parametrize("rollout", [-0.1, 1.1, float("nan")])
def test_a_share_is_between_none_and_all(place: Place, rollout: float) -> None:
    with pytest.raises(ConfigError, match=r"rollout: is .*0 to 1"):
        publish(place.repository, place.keys, place.bundle("1.0.0"), "stable", rollout=rollout)


def test_what_is_no_bundle_is_refused_before_anything_is_written(place: Place, tmp_path: Path) -> None:
    before = state_of(place.repository)
    odd = tmp_path / "odd.sepia"
    odd.write_bytes(place.bundle("1.0.0").read_bytes()[:-700])
    with pytest.raises(InputError, match=r"odd\.sepia"):
        publish(place.repository, place.keys, odd, "stable")
    assert state_of(place.repository) == before


def test_a_spoilt_file_of_the_repository_is_found(place: Place) -> None:
    publish(place.repository, place.keys, place.bundle("1.0.0"), "stable")
    (pointer,) = (place.repository / "targets").rglob("*.current.json")
    pointer.write_bytes(pointer.read_bytes().replace(b"1.0.0", b"0.9.0"))
    for act in (
        lambda: check(place.repository, place.keys),
        lambda: publish(place.repository, place.keys, place.bundle("1.1.0"), "stable"),
    ):
        with pytest.raises(TrustError, match=r"current\.json: is not the file that was signed"):
            act()


def test_a_model_with_dots_in_its_name_has_a_role_of_its_own(place: Place) -> None:
    delegate(place.repository, "lite0.v2", "stable", place.keys)
    publish(place.repository, place.keys, place.bundle("1.0.0", model="lite0.v2"), "stable")
    assert place.follower.get(f"lite0.v2/stable/{TARGET}/1.0.0.sepia")
