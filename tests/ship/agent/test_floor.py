from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest
from sepia.ship.agent.errors import Refused
from sepia.ship.agent.floor import Floor, Seen, read_floor
from support.tuf_repository import NOW, TufRepository
from tuf.api.metadata import Metadata


@pytest.fixture
def repository(tmp_path: Path) -> TufRepository:
    return TufRepository(tmp_path / "repository", roles=("lite0.stable",))


def look(floor: Floor, repository: TufRepository) -> None:
    """Admit all that the repository says now."""
    root = Metadata.from_file(str(repository.forger.newest("root"))).signed
    floor.admit_root(root)
    for role in ("timestamp", "snapshot"):
        data = repository.forger.newest(role).read_bytes()
        floor.admit(role, Metadata.from_bytes(data).signed, data, root.roles[role].keyids)


def test_what_was_seen_is_read_again(tmp_path: Path, repository: TufRepository) -> None:
    floor = Floor(tmp_path / "floor.json", "ab")
    look(floor, repository)
    floor.at(NOW)
    floor.save()
    again = read_floor(tmp_path / "floor.json", "ab")
    assert (again.seen, again.clock, again.said) == (floor.seen, NOW, "")
    assert again.seen["lite0.stable"] == Seen(1)
    assert again.seen["timestamp"].keys == (repository.signers["timestamp"][0].public_key.keyid,)


def test_it_is_written_only_when_there_is_something_new(tmp_path: Path, repository: TufRepository) -> None:
    path = tmp_path / "floor.json"
    floor = Floor(path, "ab")
    look(floor, repository)
    floor.at(NOW)
    floor.save()
    first = path.stat().st_ino
    again = read_floor(path, "ab")
    look(again, repository)
    again.at(NOW + timedelta(hours=1))
    again.save()
    assert path.stat().st_ino == first
    again.at(NOW + timedelta(hours=13))
    again.save()
    assert path.stat().st_ino != first


def test_a_new_timestamp_key_lets_a_repository_recover_from_versions_that_a_thief_drove_up(
    tmp_path: Path, repository: TufRepository
) -> None:
    """TUF specification 5.3.11."""
    floor = Floor(tmp_path / "floor.json", "ab")
    repository.forger.edit("timestamp", lambda timestamp: setattr(timestamp, "version", 10**9))
    look(floor, repository)
    repository.forger.edit("timestamp", lambda timestamp: setattr(timestamp, "version", 3))
    with pytest.raises(Refused) as refused:
        look(floor, repository)
    assert refused.value.kind == "rollback"
    repository.rotate("timestamp")
    repository.forger.edit("timestamp", lambda timestamp: setattr(timestamp, "version", 3))
    look(floor, repository)
    assert floor.seen["timestamp"].version == 3


def test_another_key_beside_the_one_that_signed_forgets_nothing(tmp_path: Path, repository: TufRepository) -> None:
    """Else whoever replays an old file would only have to wait for the next rotation."""
    floor = Floor(tmp_path / "floor.json", "ab")
    old = repository.forger.newest("timestamp").read_bytes()
    repository.renew("timestamp")
    look(floor, repository)
    repository.rotate("root", 2)
    (repository.folder / "metadata" / "timestamp.json").write_bytes(old)
    with pytest.raises(Refused, match="version 1 is offered, and this board has seen 2"):
        look(floor, repository)


def test_a_root_that_was_installed_anew_begins_again(tmp_path: Path, repository: TufRepository) -> None:
    floor = Floor(tmp_path / "floor.json", "ab")
    repository.rotate("root", 2)
    look(floor, repository)
    floor.save()
    other = TufRepository(tmp_path / "other", roles=("lite0.stable",))
    again = read_floor(tmp_path / "floor.json", "cd")
    look(again, other)
    assert (again.seen["root"].version, again.seen["timestamp"].version) == (1, 1)


def test_the_same_root_installed_again_forgets_nothing(tmp_path: Path, repository: TufRepository) -> None:
    floor = Floor(tmp_path / "floor.json", "ab")
    old = repository.forger.newest("timestamp").read_bytes()
    repository.renew("timestamp")
    look(floor, repository)
    floor.save()
    (repository.folder / "metadata" / "timestamp.json").write_bytes(old)
    with pytest.raises(Refused, match=r"timestamp\.json: version 1 is offered"):
        look(read_floor(tmp_path / "floor.json", "cd"), repository)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\0" * 400,
        b'{"schema": 1}',
        b'{"schema": 2, "bootstrap": "ab"}',
        json.dumps({"schema": 1, "bootstrap": "ab", "clock": "yesterday", "seen": {}}).encode(),
        json.dumps({"schema": 1, "bootstrap": "ab", "clock": None, "seen": {"root": {"version": -1}}}).encode(),
        json.dumps({"schema": 1, "bootstrap": "ab", "clock": None, "seen": {"root": {"version": 1, "x": 1}}}).encode(),
    ],
)
def test_a_spoilt_file_is_told_and_begun_again(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "floor.json").write_bytes(data)
    floor = read_floor(tmp_path / "floor.json", "ab")
    assert "begun again with the metadata that are here" in floor.said
    assert (floor.seen, floor.clock) == ({}, None)
