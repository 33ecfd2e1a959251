"""Signed by several people, each with his own key on his own machine."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from sepia.errors import InputError, TrustError
from sepia.ship.keys import KeyStore
from sepia.ship.repository import (
    add_keys,
    create,
    delegate,
    drop,
    publish,
    renew,
    revoke,
    rotate,
    sign_file,
    sign_waiting,
)
from support.followed_repository import open_store
from support.small_bundles import MODEL
from tuf.api.metadata import Metadata

if TYPE_CHECKING:
    from conftest import Place

ROLE = f"{MODEL}.stable"


def test_a_threshold_that_is_not_met_waits_and_is_met_by_another_machine(place: Place) -> None:
    away = _move(place.keys, place.folder / "alice", "root-1"), _move(place.keys, place.folder / "bob", "root-2")
    outcome = rotate(place.repository, place.keys, "timestamp", "timestamp", "timestamp-2")
    (waiting,) = outcome.waiting
    assert (waiting.role, waiting.version, waiting.signed, waiting.missing) == ("root", 2, ("root-3",), 1)
    assert waiting.by == ("root-1", "root-2")
    assert str(waiting) == "root 2 waits for 1 of the signatures of root-1, root-2"
    place.follower.refresh()
    assert not (place.repository / "metadata" / "2.root.json").exists()
    carried = Path(shutil.copy(waiting.path, place.folder / "alice" / "root.json"))
    assert sign_file(carried, away[0], "root-1") == ("root", 2)
    outcome = sign_waiting(place.repository, place.keys, files=[carried])
    assert (outcome.versions["root"], outcome.waiting) == (2, ())
    assert not waiting.path.exists()
    place.follower.refresh()
    assert place.follower.seen["root.json"] == 2


def test_two_must_sign_for_a_channel(place: Place) -> None:
    add_keys(place.repository, place.keys, ROLE, ["second"], threshold=2)
    second = _move(place.keys, place.folder / "second", "second")
    published = publish(place.repository, place.keys, place.bundle("1.0.0"), "stable")
    (waiting,) = published.outcome.waiting
    assert (waiting.role, waiting.missing, waiting.by) == (ROLE, 1, ("second",))
    assert place.follower.refresh().get_targetinfo(f"{MODEL}/stable/{published.target}/current.json") is None
    sign_file(waiting.path, second, "second")
    assert sign_waiting(place.repository, place.keys).versions[ROLE] == 3
    assert place.follower.offer()["version"] == "1.0.0"


def test_a_further_change_goes_on_from_what_waits_and_is_signed_anew(place: Place) -> None:
    _move(place.keys, place.folder / "alice", "root-1")
    _move(place.keys, place.folder / "bob", "root-2")
    rotate(place.repository, place.keys, "timestamp", "timestamp", "timestamp-2")
    outcome = rotate(place.repository, place.keys, "snapshot", "snapshot", "snapshot-2")
    (waiting,) = outcome.waiting
    assert (waiting.version, waiting.signed) == (2, ("root-3",))
    signed = Metadata.from_file(str(waiting.path)).signed
    for name in ("timestamp-2", "snapshot-2"):
        assert place.keys.public(name).keyid in signed.keys


def test_new_root_keys_are_signed_for_by_the_old_ones_and_themselves(place: Place) -> None:
    away = [_move(place.keys, place.folder / name, name) for name in ("root-1", "root-2", "root-3")]
    for old, new in (("root-1", "new-1"), ("root-2", "new-2"), ("root-3", "new-3")):
        outcome = rotate(place.repository, place.keys, "root", old, new)
    (waiting,) = outcome.waiting
    assert waiting.missing == 2  # of the old ones: the new ones signed as they are here
    assert waiting.by == ("root-1", "root-2", "root-3")
    for store, name in zip(away[:2], ("root-1", "root-2"), strict=True):
        sign_file(waiting.path, store, name)
    assert sign_waiting(place.repository, place.keys).versions == {"root": 2}
    place.follower.refresh()
    assert renew(place.repository, place.keys, ["root"]).versions["root"] == 3


def test_what_was_changed_on_the_way_is_refused(place: Place) -> None:
    alice = _move(place.keys, place.folder / "alice", "root-1")
    _move(place.keys, place.folder / "bob", "root-2")
    (waiting,) = rotate(place.repository, place.keys, "timestamp", "timestamp", "timestamp-2").waiting
    carried = Path(shutil.copy(waiting.path, place.folder / "alice" / "root.json"))
    carried.write_text(carried.read_text().replace('"threshold":2', '"threshold":1'))
    sign_file(carried, alice, "root-1")
    with pytest.raises(TrustError, match=r"root\.json: is not what waits for signatures here; accepted: root"):
        sign_waiting(place.repository, place.keys, files=[carried])


def test_signatures_that_do_not_count_are_not_taken_in(place: Place) -> None:
    _move(place.keys, place.folder / "alice", "root-1")
    _move(place.keys, place.folder / "bob", "root-2")
    (waiting,) = rotate(place.repository, place.keys, "timestamp", "timestamp", "timestamp-2").waiting
    mallory = open_store(place.folder / "mallory")
    mallory.new("mallory")
    carried = Path(shutil.copy(waiting.path, place.folder / "mallory" / "root.json"))
    sign_file(carried, mallory, "mallory")
    assert len(Metadata.from_file(str(carried)).signatures) == 2
    outcome = sign_waiting(place.repository, place.keys, files=[carried])
    assert outcome.waiting[0].missing == 1
    assert len(Metadata.from_file(str(waiting.path)).signatures) == 1
    with pytest.raises(
        TrustError, match="key 'snapshot': has no right to sign what waits here; accepted: root-1, root-2"
    ):
        sign_waiting(place.repository, place.keys, names=["snapshot"])


def test_an_offline_key_signs_and_the_online_keys_finish(place: Place) -> None:
    """targets is signed on a laptop that has a copy of the repository, and no online keys."""
    laptop = open_store(place.folder / "laptop")
    for name in ("snapshot", "timestamp"):
        _move(place.keys, laptop.folder, name)
    outcome = delegate(place.repository, MODEL, "nightly", place.keys)
    assert [(one.role, one.missing, one.by) for one in outcome.waiting] == [
        ("targets", 0, ("snapshot", "timestamp")),
        (f"{MODEL}.nightly", 0, ("snapshot", "timestamp")),
    ]
    place.follower.refresh()
    assert sign_waiting(place.repository, laptop).versions[f"{MODEL}.nightly"] == 1
    place.follower.refresh()


def test_a_channel_is_published_while_its_next_keys_wait(place: Place) -> None:
    targets = _move(place.keys, place.folder / "away", "targets")
    assert rotate(place.repository, place.keys, ROLE, ROLE, "fresh").versions == {}
    publish(place.repository, place.keys, place.bundle("1.0.0"), "stable")
    assert place.follower.offer()["version"] == "1.0.0"
    sign_file(place.repository / "waiting" / "targets.json", targets, "targets")
    assert sign_waiting(place.repository, place.keys).waiting == ()
    assert place.follower.offer()["version"] == "1.0.0"
    publish(place.repository, place.keys, place.bundle("1.1.0"), "stable")
    assert place.follower.offer()["version"] == "1.1.0"


def test_the_first_root_waits_for_its_people(place: Place) -> None:
    folder = place.folder / "second"
    alice, bob = open_store(place.folder / "alice"), open_store(place.folder / "bob")
    keys = open_store(place.folder / "keys-2")
    for store, name in ((alice, "alice"), (bob, "bob")):
        store.new(name)
        keys.add_public(name, store.folder / f"{name}.pub")
    outcome = create(folder, keys, names={"root": ["alice", "bob"]})
    assert outcome.versions == {}
    with pytest.raises(InputError, match="has a first root that waits for signatures; next: sepia ship keys sign"):
        publish(folder, keys, place.bundle("1.0.0"), "stable")
    for store, name in ((alice, "alice"), (bob, "bob")):
        sign_file(folder / "waiting" / "root.json", store, name)
    assert sign_waiting(folder, keys).versions == {"root": 1, "targets": 1, "snapshot": 1, "timestamp": 1}


def test_what_others_overtook_is_told_and_given_up(place: Place) -> None:
    targets = _move(place.keys, place.folder / "away", "targets")
    delegate(place.repository, MODEL, "nightly", place.keys)
    kept = (place.repository / "waiting" / "targets.json").read_bytes()
    drop(place.repository, "targets", place.keys)
    drop(place.repository, f"{MODEL}.nightly", place.keys)
    shutil.copy(targets.folder / "targets", place.keys.folder / "targets")
    renew(place.repository, place.keys, ["targets"])
    (place.repository / "waiting" / "targets.json").write_bytes(kept)
    with pytest.raises(TrustError, match=r"targets\.json: is version 4, and 4 is in force; next: .*--drop targets"):
        sign_waiting(place.repository, place.keys)
    assert drop(place.repository, "targets", place.keys).waiting == ()
    with pytest.raises(InputError, match="has nothing that waits for signatures"):
        sign_waiting(place.repository, place.keys)


def test_what_waits_after_it_came_into_force_is_let_go(place: Place) -> None:
    """A publisher was killed between the one and the other."""
    (place.repository / "waiting").mkdir()
    shutil.copy(place.repository / "metadata" / "1.root.json", place.repository / "waiting" / "root.json")
    outcome = sign_waiting(place.repository, place.keys)
    assert (outcome.versions, outcome.waiting) == ({}, ())


def test_a_stolen_root_key_is_revoked_by_the_other_two(place: Place) -> None:
    (place.keys.folder / "root-1").unlink()
    assert revoke(place.repository, place.keys, "root-1", role="root").versions == {"root": 2}
    place.follower.refresh()


def _move(keys: KeyStore, folder: Path, name: str) -> KeyStore:
    """Take a private key to another machine."""
    folder.mkdir(parents=True, exist_ok=True)
    shutil.move(keys.folder / name, folder / name)
    shutil.copy(keys.folder / f"{name}.pub", folder / f"{name}.pub")
    return open_store(folder)
