"""One table of what boards see; what they would refuse is told in the client's words."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from sepia.errors import InputError, TrustError
from sepia.ship.repository import check, publish
from sepia.ship.repository.edit import now
from support.followed_repository import TARGET
from support.small_bundles import MODEL
from support.tuf_forgery import Forger

if TYPE_CHECKING:
    from conftest import Place


def test_roles_with_keys_and_what_each_target_gets(place: Place) -> None:
    publish(place.repository, place.keys, place.bundle("1.0.0"), "stable")
    publish(place.repository, place.keys, place.bundle("1.1.0"), "stable", rollout=0.25)
    found = check(place.repository, place.keys)
    roles = {one.role: (one.version, one.threshold, one.keys) for one in found.roles}
    assert roles == {
        "root": (1, 2, ("root-1", "root-2", "root-3")),
        "timestamp": (5, 1, ("timestamp",)),
        "snapshot": (5, 1, ("snapshot",)),
        "targets": (3, 1, ("targets",)),
        f"{MODEL}.beta": (1, 1, (f"{MODEL}.beta",)),
        f"{MODEL}.stable": (3, 1, (f"{MODEL}.stable",)),
    }
    (offered,) = found.offered
    assert (offered.target, offered.version, offered.rollout, offered.before) == (TARGET, "1.1.0", 0.25, "1.0.0")
    assert (offered.kept, offered.deltas) == (("1.0.0", "1.1.0"), 1)
    assert (found.waiting, found.warnings) == ((), ())
    assert found.to_json()["offered"][0]["channel"] == "stable"


def test_without_keys_it_names_them_by_their_digits(place: Place) -> None:
    keys = check(place.repository).roles[1].keys
    assert keys == (place.keys.public("timestamp").keyid[:12],)


@pytest.mark.parametrize(("days", "told"), [(8, "timestamp.json is expired"), (400, "root.json is expired")])
def test_what_is_expired(place: Place, days: int, told: str) -> None:
    with pytest.raises(TrustError, match=rf"no board accepts it now: .*{told}; next: sepia ship keys renew"):
        check(place.repository, at=now() + timedelta(days=days))


def test_files_that_are_gone_or_spoilt(place: Place) -> None:
    publish(place.repository, place.keys, place.bundle("1.0.0"), "stable")
    (bundle,) = place.repository.rglob("*.sepia")
    data = bundle.read_bytes()
    bundle.write_bytes(data[:-1] + b"x")
    with pytest.raises(TrustError, match=r"1\.0\.0\.sepia: is not the file that was signed"):
        check(place.repository)
    check(place.repository, files=False)
    bundle.unlink()
    with pytest.raises(TrustError, match=r"1\.0\.0\.sepia: is signed for, and is not there"):
        check(place.repository)


def test_a_channel_that_signs_for_anothers_files(place: Place) -> None:
    publish(place.repository, place.keys, place.bundle("1.0.0"), "stable")
    signers = {name: [place.keys.signer(name)] for name in ("snapshot", "timestamp", f"{MODEL}.beta")}
    forger = Forger(place.repository, signers)
    file = forger.put_target(f"{MODEL}/stable/{TARGET}/current.json", b"{}")
    forger.edit(f"{MODEL}.beta", lambda signed: signed.targets.update({file.path: file}))
    forger.seal(f"{MODEL}.beta")
    with pytest.raises(TrustError, match=r"lite0\.beta: signs for .* which clients do not take from it"):
        check(place.repository)


def test_a_root_that_is_missing_in_the_row(place: Place) -> None:
    (place.repository / "metadata" / "1.root.json").rename(place.repository / "metadata" / "2.root.json")
    with pytest.raises(InputError, match="is no repository"):
        check(place.repository)
