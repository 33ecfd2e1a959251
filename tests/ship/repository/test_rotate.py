"""Keys change while boards follow: none is left behind, and a key that is gone counts no more."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sepia.errors import ConfigError, TrustError
from sepia.ship.repository import add_keys, publish, renew, revoke, rotate, set_threshold
from sepia.ship.repository.store import written
from support.followed_repository import open_store, state_of
from support.small_bundles import MODEL
from support.tuf_forgery import Forger
from tuf.api.exceptions import LengthOrHashMismatchError, UnsignedMetadataError
from tuf.api.metadata import Metadata, MetaFile

if TYPE_CHECKING:
    from conftest import Place

ROLE = f"{MODEL}.stable"
ROTATIONS = [
    ("root", "root-1"),
    ("targets", "targets"),
    ("snapshot", "snapshot"),
    ("timestamp", "timestamp"),
    (ROLE, ROLE),
]


@pytest.mark.parametrize(("role", "old"), ROTATIONS)
def test_boards_follow_a_rotation_whenever_they_looked_last(place: Place, role: str, old: str) -> None:
    publish(place.repository, place.keys, place.bundle("1.0.0"), "stable")
    place.follower.offer()
    outcome = rotate(place.repository, place.keys, role, old, "fresh")
    assert not outcome.waiting
    assert place.follower.offer()["version"] == "1.0.0"
    (place.keys.folder / old).unlink()
    publish(place.repository, place.keys, place.bundle("1.1.0"), "stable")
    assert place.follower.offer()["version"] == "1.1.0"


@pytest.mark.parametrize(("role", "old"), [one for one in ROTATIONS if one[0] != "root"])
def test_a_signature_of_a_key_that_is_gone_is_refused(place: Place, role: str, old: str) -> None:
    publish(place.repository, place.keys, place.bundle("1.0.0"), "stable")
    rotate(place.repository, place.keys, role, old, "fresh")
    publish(place.repository, place.keys, place.bundle("1.1.0"), "stable")
    place.follower.offer()
    signers = {name: [place.keys.signer(name)] for name in ("snapshot", "timestamp")}
    for name in ("snapshot", "timestamp"):
        if role == name:
            signers[name] = [place.keys.signer("fresh")]
    forger = Forger(place.repository, signers)
    forger.edit(role, lambda signed: None, signers=[place.keys.signer(old)])
    if role not in ("snapshot", "timestamp"):
        forger.seal(role)
    elif role == "snapshot":
        forger.edit("timestamp", lambda signed: setattr(signed, "snapshot_meta", MetaFile(_version(forger))))
    with pytest.raises(UnsignedMetadataError, match=rf"{role} was signed by 0/1 keys"):
        place.follower.offer()


def test_a_revoked_key_is_taken_from_every_role(place: Place) -> None:
    for role in (ROLE, f"{MODEL}.beta"):
        add_keys(place.repository, place.keys, role, ["shared"])
    publish(place.repository, place.keys, place.bundle("1.0.0"), "stable")
    outcome = revoke(place.repository, place.keys, "shared")
    assert outcome.versions["targets"] == 6
    targets = Forger(place.repository, {}).newest("targets").read_text()
    assert place.keys.public("shared").keyid not in targets
    assert place.follower.offer()["version"] == "1.0.0"
    with pytest.raises(TrustError, match="no role has a key 'shared'"):
        revoke(place.repository, place.keys, "shared")


def test_what_a_revoked_key_signed_alone_is_signed_anew(place: Place) -> None:
    add_keys(place.repository, place.keys, ROLE, ["other"])
    other = place.keys.folder / "other"
    kept = other.read_bytes()
    other.unlink()
    publish(place.repository, place.keys, place.bundle("1.0.0"), "stable")
    other.write_bytes(kept)
    other.chmod(0o600)
    outcome = revoke(place.repository, place.keys, ROLE)
    assert outcome.versions[ROLE] == 3
    assert place.follower.offer()["version"] == "1.0.0"


def test_a_role_keeps_as_many_keys_as_it_takes(place: Place) -> None:
    before = state_of(place.repository)
    with pytest.raises(ConfigError, match=r"lite0\.stable: a threshold of 1 of 0 keys; accepted: at least one key"):
        revoke(place.repository, place.keys, ROLE)
    with pytest.raises(ConfigError, match=r"root: a threshold of 4 of 3 keys; accepted: 1 to 3"):
        set_threshold(place.repository, place.keys, "root", 4)
    with pytest.raises(ConfigError, match=r"timestamp: has the key 'timestamp' already"):
        add_keys(place.repository, place.keys, "timestamp", ["timestamp"])
    with pytest.raises(ConfigError, match=r"root: has no key 'root-9'; accepted: root-1, root-2, root-3"):
        rotate(place.repository, place.keys, "root", "root-9", "root-4")
    with pytest.raises(ConfigError, match=r"lite0\.stabel: is no role of .*did you mean lite0\.stable"):
        set_threshold(place.repository, place.keys, "lite0.stabel", 1)
    assert state_of(place.repository) == before


def test_a_lost_online_key_is_replaced_by_root(place: Place) -> None:
    (place.keys.folder / "timestamp").unlink()
    publish(place.repository, place.keys, place.bundle("1.0.0"), "stable")
    with pytest.raises(TrustError, match="has not the keys of snapshot and timestamp"):
        renew(place.repository, place.keys)
    outcome = rotate(place.repository, place.keys, "timestamp", "timestamp", "timestamp-2")
    assert outcome.versions["root"] == 2
    assert "timestamp" in outcome.versions
    place.follower.refresh()


def test_a_key_by_the_first_digits_of_its_id(place: Place) -> None:
    keyid = place.keys.public("snapshot").keyid
    rotate(place.repository, open_store(place.keys.folder), "snapshot", keyid[:10], "snapshot-2")
    place.follower.refresh()


def test_a_higher_threshold_is_asked_of_what_is_there_already(place: Place) -> None:
    publish(place.repository, place.keys, place.bundle("1.0.0"), "stable")
    outcome = add_keys(place.repository, place.keys, ROLE, ["second"], threshold=2)
    assert outcome.versions[ROLE] == 3
    signed = Forger(place.repository, {}).newest(ROLE).read_text()
    assert all(place.keys.public(name).keyid in signed for name in (ROLE, "second"))
    assert place.follower.offer()["version"] == "1.0.0"


def test_the_key_of_a_channel_alone_changes_nothing(place: Place) -> None:
    """Whoever has it and the web server, and not the key of snapshot: other metadata of the same version."""
    publish(place.repository, place.keys, place.bundle("1.0.0"), "stable")
    path = Forger(place.repository, {}).newest(ROLE)
    told = Metadata.from_file(str(path))
    told.signed.unrecognized_fields["x-sepia-days"] = 91  # as many bytes
    told.sign(place.keys.signer(ROLE))
    path.write_bytes(written(told))
    with pytest.raises(LengthOrHashMismatchError):
        place.follower.offer()


def _version(forger: Forger) -> int:
    return int(forger.newest("snapshot").name.split(".", 1)[0])
