from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import bsdiff4
import pytest
from sepia.ship.agent import client as client_file
from sepia.ship.agent.client import Limits
from sepia.ship.agent.errors import Refused
from sepia.ship.agent.fetch import Http, Inbox
from sepia.ship.agent.pointer import share
from support.attack_server import AttackServer, status
from support.trusting_board import TrustingBoard
from support.tuf_repository import NOW, TARGET, TufRepository

OLD = hashlib.shake_256(b"weights").digest(40_000)
NEW = OLD[:20_000] + b"new" + OLD[20_000:]
BASE = hashlib.sha256(OLD).hexdigest()


@pytest.fixture
def repository(tmp_path: Path) -> TufRepository:
    repository = TufRepository(tmp_path / "repository")
    repository.offer("1.0.0", OLD)
    return repository


@pytest.fixture
def board(tmp_path: Path, repository: TufRepository) -> TrustingBoard:
    return TrustingBoard(tmp_path / "board", repository)


@pytest.fixture
def server(repository: TufRepository) -> Iterator[AttackServer]:
    with AttackServer(repository.folder) as server:
        yield server


@pytest.fixture
def base(tmp_path: Path) -> Callable[[str], Path | None]:
    """The board has kept the old bundle."""
    (tmp_path / "old").write_bytes(OLD)
    return lambda sha256: tmp_path / "old" if sha256 == BASE else None


# --- the two ways to a board ------------------------------------------------------------------------------------------


def test_pulled_and_pushed_bundles_take_the_same_road(
    board: TrustingBoard, repository: TufRepository, server: AttackServer
) -> None:
    for source in (Http(server.url), Inbox(repository.folder)):
        fetched = board.take(source)
        assert fetched is not None
        assert fetched.path.read_bytes() == OLD
        assert (fetched.bytes, fetched.requests, fetched.delta) == (len(OLD), 1, False)


def test_an_offer_says_what_was_signed_for(board: TrustingBoard, repository: TufRepository) -> None:
    offer = board.offered(Inbox(repository.folder))
    assert offer is not None
    assert (offer.version, offer.path) == ("1.0.0", f"lite0/stable/{TARGET}/1.0.0.sepia")
    assert (offer.bytes, offer.sha256, offer.in_rollout) == (len(OLD), BASE, True)


def test_a_look_that_finds_nothing_new_is_three_small_requests(
    board: TrustingBoard, repository: TufRepository, server: AttackServer
) -> None:
    """The next root, the timestamp, the pointer."""
    board.take(Http(server.url))
    source = Http(server.url)
    board.offered(source)
    assert [path.rpartition("/")[2].rpartition(".")[0].rpartition(".")[2] for path, _ in server.asked[-3:]] == [
        "root",
        "timestamp",
        "current",
    ]
    assert source.requests == 3
    assert source.bytes < 2000


def test_only_what_was_pushed_is_needed(board: TrustingBoard, repository: TufRepository, tmp_path: Path) -> None:
    """A push brings a part of the repository: the metadata in force, the pointer, the bundle."""
    pushed = tmp_path / "pushed"
    for path in [
        *(repository.folder / "metadata" / name for name in ("timestamp.json", "2.snapshot.json", "1.targets.json")),
        repository.folder / "metadata" / "2.lite0.stable.json",
        *(repository.served(f"lite0/stable/{TARGET}/{name}") for name in ("1.0.0.sepia", "current.json")),
    ]:
        to = pushed / path.relative_to(repository.folder)
        to.parent.mkdir(parents=True, exist_ok=True)
        to.write_bytes(path.read_bytes())
    assert board.take(Inbox(pushed)) is not None


# --- channels and roll-outs -------------------------------------------------------------------------------------------


def test_each_channel_offers_its_own(board: TrustingBoard, repository: TufRepository) -> None:
    repository.offer("2.0.0", NEW, role="lite0.beta")
    offers = [board.offered(Inbox(repository.folder), channel) for channel in ("stable", "beta")]
    assert [offer and offer.version for offer in offers] == ["1.0.0", "2.0.0"]


@pytest.mark.parametrize(("channel", "model"), [("beta", "lite0"), ("nightly", "lite0"), ("stable", "unknown")])
def test_where_nothing_is_published_nothing_is_offered(
    board: TrustingBoard, repository: TufRepository, channel: str, model: str
) -> None:
    assert board.offered(Inbox(repository.folder), channel, model=model) is None


def test_a_key_of_beta_says_nothing_for_stable_though_its_metadata_name_it(
    board: TrustingBoard, repository: TufRepository
) -> None:
    evil = f"lite0/stable/{TARGET}/"
    pointer = f'{{"schema":1,"version":"6","bundle":"{evil}6.sepia","rollout":1,"deltas":[],"before":null}}'
    repository.sign_for("lite0.beta", {f"{evil}current.json": pointer.encode(), f"{evil}6.sepia": b"evil"})
    offer = board.offered(Inbox(repository.folder))
    assert offer is not None
    assert offer.version == "1.0.0"


def test_boards_outside_a_roll_out_are_offered_what_came_before(
    board: TrustingBoard, repository: TufRepository
) -> None:
    before = {"version": "1.0.0", "bundle": f"lite0/stable/{TARGET}/1.0.0.sepia"}
    repository.offer("1.1.0", NEW, rollout=0.5, before=before)
    source = Inbox(repository.folder)
    names = [f"board-{number}" for number in range(8)]
    offers = {name: board.offered(source, board=name) for name in names}
    told = {name: (offer.version, offer.in_rollout) for name, offer in offers.items() if offer}
    drawn = {name: share(name, "lite0", "1.1.0") < 0.5 for name in names}
    assert told == {name: ("1.1.0", True) if ins else ("1.0.0", False) for name, ins in drawn.items()}
    assert len(set(drawn.values())) == 2


# --- deltas -----------------------------------------------------------------------------------------------------------


def test_a_board_with_the_base_takes_the_delta(
    board: TrustingBoard, repository: TufRepository, server: AttackServer, base: Callable[[str], Path | None]
) -> None:
    delta = bsdiff4.diff(OLD, NEW)
    repository.offer("1.1.0", NEW, deltas={BASE: delta})
    fetched = board.take(Http(server.url), base)
    assert fetched is not None
    assert fetched.path.read_bytes() == NEW
    assert (fetched.bytes, fetched.requests, fetched.delta, fetched.said) == (len(delta), 1, True, "")
    assert left_over(board) == []


def test_a_board_without_the_base_takes_the_whole(board: TrustingBoard, repository: TufRepository) -> None:
    repository.offer("1.1.0", NEW, deltas={BASE: bsdiff4.diff(OLD, NEW)})
    fetched = board.take(Inbox(repository.folder))
    assert fetched is not None
    assert (fetched.delta, fetched.bytes) == (False, len(NEW))


def test_a_delta_that_is_larger_than_the_bundle_is_left_alone(
    board: TrustingBoard, repository: TufRepository, base: Callable[[str], Path | None]
) -> None:
    repository.offer("1.1.0", NEW, deltas={BASE: bytes(len(NEW))})
    fetched = board.take(Inbox(repository.folder), base)
    assert fetched is not None
    assert (fetched.delta, fetched.requests, fetched.said) == (False, 1, "")


@pytest.mark.parametrize(
    ("delta", "words"),
    [
        (bsdiff4.diff(OLD, OLD + b"another result"), "patch"),
        (bsdiff4.diff(OLD, OLD), "does not make the bundle 1.1.0"),
        (bsdiff4.diff(OLD, bytes(len(NEW) * 2)), "patch"),
        (b"BSDIFF40" + bytes(24), "patch"),
        (b"no patch at all", "patch"),
    ],
    ids=["too long", "of another version", "a bomb", "empty", "no patch"],
)
def test_a_delta_that_is_signed_and_wrong_is_given_up_for_the_whole(
    board: TrustingBoard,
    repository: TufRepository,
    base: Callable[[str], Path | None],
    delta: bytes,
    words: str,
) -> None:
    repository.offer("1.1.0", NEW, deltas={BASE: delta})
    fetched = board.take(Inbox(repository.folder), base)
    assert fetched is not None
    assert fetched.path.read_bytes() == NEW
    assert not fetched.delta
    assert "is given up for the whole bundle" in fetched.said
    assert words in fetched.said
    assert left_over(board) == []


def test_a_delta_that_is_not_there_is_given_up_too(
    board: TrustingBoard, repository: TufRepository, server: AttackServer, base: Callable[[str], Path | None]
) -> None:
    repository.offer("1.1.0", NEW, deltas={BASE: bsdiff4.diff(OLD, NEW)})
    server.answers["bsdiff"] = status(404)
    fetched = board.take(Http(server.url), base)
    assert fetched is not None
    assert (fetched.delta, fetched.path.read_bytes()) == (False, NEW)


def test_a_link_that_is_down_is_not_tried_for_the_whole(
    board: TrustingBoard, repository: TufRepository, server: AttackServer, base: Callable[[str], Path | None]
) -> None:
    repository.offer("1.1.0", NEW, deltas={BASE: bsdiff4.diff(OLD, NEW)})
    server.answers["bsdiff"] = status(502)
    with pytest.raises(Refused, match="answered 502"):
        board.take(Http(server.url), base)
    assert "sepia" not in server.asked[-1][0].rpartition(".")[2]


# --- time -------------------------------------------------------------------------------------------------------------


def test_a_board_that_wakes_in_1970_goes_on_by_what_it_has_seen(
    board: TrustingBoard, repository: TufRepository
) -> None:
    board.take(Inbox(repository.folder))
    board.now = datetime(1970, 1, 1, tzinfo=UTC)
    assert board.take(Inbox(repository.folder)) is not None
    assert board.client.said == [
        "the clock says 1970-01-01 00:00 UTC, before 2027-03-01 12:00 UTC, which has been: expiry is judged as of the "
        "latter; next: let the clock be set (timedatectl)"
    ]


def test_metadata_that_had_expired_when_the_board_last_looked_stay_expired_with_its_clock_back(
    board: TrustingBoard, repository: TufRepository, tmp_path: Path
) -> None:
    kept = repository.keep(tmp_path / "kept")
    board.now = NOW + timedelta(days=40)
    repository.expires = NOW + timedelta(days=70)
    repository.renew("root", "targets", "lite0.stable", "snapshot", "timestamp", expires=repository.expires)
    board.take(Inbox(repository.folder))
    board.lose()
    (board.folder / "trust" / "floor.json").write_text(without_versions(board))
    board.now = datetime(1970, 1, 1, tzinfo=UTC)
    with pytest.raises(Refused, match=r"has expired.*clock says 1970-01-01.*already past 2027-04-10") as refused:
        board.take(Inbox(kept))
    assert refused.value.kind == "expired"


def test_a_clock_that_is_ahead_leaves_no_floor_behind(board: TrustingBoard, repository: TufRepository) -> None:
    board.take(Inbox(repository.folder))
    board.now = NOW.replace(year=2040)
    with pytest.raises(Refused, match="if not, set the clock"):
        board.take(Inbox(repository.folder))
    board.now = NOW + timedelta(days=1)
    assert board.take(Inbox(repository.folder)) is not None
    assert board.client.said == []


# --- limits and trust -------------------------------------------------------------------------------------------------


def test_a_bundle_above_the_limit_is_refused_before_a_byte_is_fetched(
    board: TrustingBoard, repository: TufRepository, server: AttackServer
) -> None:
    client = board.open(Http(server.url), limits=Limits(bundle=1000))
    with pytest.raises(Refused, match="has 40000 bytes; at most 1000 are accepted") as refused:
        client.offer("lite0", "stable", TARGET, "board-1")
    assert refused.value.kind == "limit"
    assert not any("sepia" in path for path, _ in server.asked)


def test_a_disk_without_room_is_told_before_a_byte_is_fetched(
    board: TrustingBoard, repository: TufRepository, server: AttackServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client_file, "SPARE", 1 << 62)
    with pytest.raises(Refused, match="40000 bytes are to come, and there is room for 0") as refused:
        board.take(Http(server.url))
    assert refused.value.kind == "disk"
    assert not any("sepia" in path for path, _ in server.asked)


@pytest.mark.parametrize("root", [None, b"", b"{}", b"timestamp"])
def test_without_a_usable_root_nothing_is_asked(
    board: TrustingBoard, repository: TufRepository, server: AttackServer, root: bytes | None
) -> None:
    place = board.folder / "trust" / "root.json"
    if root is None:
        place.unlink()
    else:
        data = (repository.folder / "metadata" / "timestamp.json").read_bytes() if root == b"timestamp" else root
        place.write_bytes(data)
    with pytest.raises(Refused, match="install the agent again") as refused:
        board.take(Http(server.url))
    assert refused.value.kind == "trust"
    assert server.asked == []


def test_what_was_refused_once_is_not_found_by_asking_again(
    board: TrustingBoard, repository: TufRepository, tmp_path: Path
) -> None:
    """The role of another future is loaded in tuf's client when the floor refuses it."""
    fork = repository.fork(tmp_path / "fork")
    repository.offer("1.1.0", NEW)
    board.take(Inbox(repository.folder))
    board.lose("timestamp.json", "snapshot.json", "lite0.stable.json")
    fork.offer("1.1.0", b"evil")
    client = board.open(Inbox(fork.folder))
    client.refresh()
    for _ in range(2):
        with pytest.raises(Refused) as refused:
            client.offer("lite0", "stable", TARGET, "board-1")
        assert refused.value.kind == "mixed"


def test_keys_that_were_rotated_rightly_are_followed(board: TrustingBoard, repository: TufRepository) -> None:
    for role in ("timestamp", "snapshot", "targets", "lite0.stable"):
        board.take(Inbox(repository.folder))
        repository.rotate(role)
    repository.rotate("root", 2)
    repository.offer("1.1.0", NEW)
    offer = board.offered(Inbox(repository.folder))
    assert offer is not None
    assert offer.version == "1.1.0"


def left_over(board: TrustingBoard) -> list[str]:
    return [path.name for path in (board.folder / "partial").rglob("*") if path.is_file()]


def without_versions(board: TrustingBoard) -> str:
    """The floor with nothing left but its time."""
    import json

    told = json.loads((board.folder / "trust" / "floor.json").read_text())
    return json.dumps({**told, "seen": {}})
