"""A new repository, and the refusals of one that can't be used."""

from __future__ import annotations

import fcntl
import json
import os
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from sepia.errors import ConfigError, InputError, OutputError, TrustError
from sepia.ship.repository import create, delegate, lock, publish, renew, set_rollout
from sepia.ship.repository.edit import now
from support.followed_repository import Follower, open_store, state_of
from support.small_bundles import MODEL
from support.tuf_forgery import Forger
from tuf.api.metadata import Metadata, Root

if TYPE_CHECKING:
    from conftest import Place


def test_the_first_root_has_two_of_three_and_consistent_snapshots(place: Place) -> None:
    root = Metadata[Root].from_file(str(place.repository / "metadata" / "1.root.json")).signed
    assert root.consistent_snapshot
    found = {name: (len(role.keyids), role.threshold) for name, role in root.roles.items()}
    assert found == {"root": (3, 2), "targets": (1, 1), "snapshot": (1, 1), "timestamp": (1, 1)}
    assert (root.expires - now()).days in (364, 365)
    place.follower.refresh()


def test_each_role_lasts_as_long_as_it_was_told(tmp_path: Path) -> None:
    keys, folder = open_store(tmp_path / "keys"), tmp_path / "repository"
    create(folder, keys, days={"root": 30, "targets": 20, "snapshot": 3, "timestamp": 2})
    renew(folder, keys, ["root", "targets", "snapshot", "timestamp"])
    left = {}
    for role in ("root", "targets", "snapshot", "timestamp"):
        signed = Metadata.from_file(str(Forger(folder, {}).newest(role))).signed
        assert signed.version == 2
        left[role] = round((signed.expires - now()) / timedelta(days=1))
    assert left == {"root": 30, "targets": 20, "snapshot": 3, "timestamp": 2}


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"thresholds": {"root": 4}}, "root: a threshold of 4; accepted: 1 to 3"),
        ({"names": {"root": ["a", "a"]}}, "root: a threshold of 2; accepted: 1 to 1"),
        ({"days": {"root": 0}}, "days: are 0"),
        ({"days": {"lite0.stable": 3}}, "lite0.stable: is no role of a new repository"),
    ],
)
def test_odd_numbers_are_refused_before_a_key_is_made(tmp_path: Path, options: dict[str, object], told: str) -> None:
    with pytest.raises(ConfigError, match=told.replace(".", r"\.")):
        create(tmp_path / "repository", open_store(tmp_path / "keys"), **options)  # type: ignore[arg-type]
    assert not list(tmp_path.iterdir())


def test_a_channel_may_sign_for_its_own_files_and_nobody_else_for_them(place: Place) -> None:
    signed = Metadata.from_file(str(Forger(place.repository, {}).newest("targets"))).signed
    found = {name: (role.paths, role.terminating) for name, role in signed.delegations.roles.items()}
    assert found == {f"{MODEL}.{name}": ([f"{MODEL}/{name}/*/*"], True) for name in ("stable", "beta")}


def test_keys_are_not_served(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="lies in the repository, which everybody may read"):
        create(tmp_path, open_store(tmp_path / "keys"))


def test_a_repository_is_not_made_over_another(place: Place) -> None:
    before = state_of(place.repository)
    with pytest.raises(InputError, match="is a repository already"):
        create(place.repository, place.keys)
    with pytest.raises(ConfigError, match=r"lite0\.stable: is there already"):
        delegate(place.repository, MODEL, "stable", place.keys)
    assert state_of(place.repository) == before


def test_a_folder_that_is_no_repository(place: Place, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is no repository; next: sepia ship keys init makes one"):
        publish(tmp_path, place.keys, place.bundle("1.0.0"), "stable")


def test_a_repository_of_a_newer_sepia(place: Place) -> None:
    signers = {"root": [place.keys.signer("root-1"), place.keys.signer("root-2")]}
    Forger(place.repository, signers).edit(
        "root", lambda signed: signed.unrecognized_fields.update({"x-sepia-repository": 2})
    )
    with pytest.raises(TrustError, match="is of form 2, made by a newer Sepia; accepted: 1"):
        publish(place.repository, place.keys, place.bundle("1.0.0"), "stable")


def test_damaged_metadata_is_named(place: Place) -> None:
    path = Forger(place.repository, {}).newest("snapshot")
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(TrustError, match=rf"{path.name}: is no metadata of The Update Framework"):
        publish(place.repository, place.keys, place.bundle("1.0.0"), "stable")


def test_an_expired_root_stops_the_publisher_until_it_is_renewed(place: Place) -> None:
    later = now() + timedelta(days=366)
    with pytest.raises(TrustError, match=r"its root expired on .*; next: sepia ship keys renew \S+ root"):
        publish(place.repository, place.keys, place.bundle("1.0.0"), "stable", at=later)
    assert renew(place.repository, place.keys, ["root"], at=later).versions["root"] == 2
    publish(place.repository, place.keys, place.bundle("1.0.0"), "stable", at=later)


def test_a_clock_before_the_last_signature(place: Place) -> None:
    before = state_of(place.repository)
    acts = (
        lambda: renew(place.repository, place.keys, at=now() - timedelta(days=2)),
        lambda: publish(place.repository, place.keys, place.bundle("1.0.0"), "stable", at=now() - timedelta(hours=1)),
    )
    for act in acts:
        with pytest.raises(TrustError, match=r"this machine's clock: says .* and the repository was signed at .*"):
            act()
    assert state_of(place.repository) == before
    renew(place.repository, place.keys, at=now() - timedelta(minutes=2))


def test_two_publishers_at_once(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    publish(place.repository, place.keys, place.bundle("1.0.0"), "stable")
    monkeypatch.setattr(lock, "WAIT_S", 0.1)
    descriptor = os.open(place.repository / ".lock", os.O_RDWR)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    with pytest.raises(OutputError, match=rf"somebody else is publishing \(process {os.getpid()}\)"):
        set_rollout(place.repository, place.keys, MODEL, "stable", 0.5)
    os.close(descriptor)
    set_rollout(place.repository, place.keys, MODEL, "stable", 0.5)


def test_a_key_of_no_right_signs_nothing(place: Place) -> None:
    """Whoever holds the online keys alone: his bundle waits for the channel's."""
    thief = open_store(place.folder / "thief")
    thief.folder.mkdir()
    for name in ("snapshot", "timestamp"):
        for ending in ("", ".pub"):
            (thief.folder / f"{name}{ending}").write_bytes((place.keys.folder / f"{name}{ending}").read_bytes())
        (thief.folder / name).chmod(0o600)
    outcome = publish(place.repository, thief, place.bundle("1.0.0"), "stable").outcome
    assert outcome.versions == {}
    assert [(one.role, one.missing) for one in outcome.waiting] == [("lite0.stable", 1)]
    renew(place.repository, thief)
    assert place.follower.refresh().get_targetinfo(f"{MODEL}/stable/x/current.json") is None


def test_a_board_that_was_off_walks_from_the_first_root(place: Place) -> None:
    for _ in range(4):
        renew(place.repository, place.keys, ["root"])
    late = Follower(place.folder / "late", place.follower.url, place.follower.root)
    late.refresh()
    assert late.seen["root.json"] == 5


def test_what_is_read_is_json_that_names_nothing_of_this_machine(place: Place) -> None:
    publish(place.repository, place.keys, place.bundle("1.0.0"), "stable")
    for path in (place.repository / "metadata").glob("*.json"):
        text = path.read_text(encoding="utf-8")
        json.loads(text)
        assert str(place.folder) not in text
