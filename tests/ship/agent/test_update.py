"""What an update comes to, for each thing that may be offered or go wrong; the cuts are in test_cuts.py."""

from __future__ import annotations

import resource
import signal
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sepia.ship.agent.config import Runtime
from sepia.ship.agent.errors import Refused
from sepia.ship.agent.lock import locked
from sepia.ship.agent.state import read_state
from sepia.ship.agent.status import status
from sepia.ship.agent.verify import verify_current
from support.fake_repository import WELL, FakeBoard, bad, small_bundles
from support.needs import need_root
from support.small_bundles import MODEL, SmallBundle, make_small_bundle


@pytest.fixture(scope="module")
def bundles(tmp_path_factory: pytest.TempPathFactory) -> list[SmallBundle]:
    return small_bundles(tmp_path_factory.mktemp("bundles"), "1", "2", "3", "4")


@pytest.fixture
def board(quick_disk: Path) -> FakeBoard:
    return FakeBoard.made(quick_disk / "root")


def test_the_first_and_another(board: FakeBoard, bundles: list[SmallBundle]) -> None:
    first = board.offer(bundles[0])
    assert (first.result, first.version, first.bytes, first.requests) == ("switched", "1", bundles[0].bytes, 1)
    assert (first.p50_ms, first.rss_bytes, first.rms) == (WELL.p50_ms, WELL.rss_bytes, WELL.rms)
    assert (board.folder / "current").readlink() == Path(f"versions/1-{bundles[0].sha256[:12]}")
    assert board.offer(bundles[1]).result == "switched"
    assert board.runs() == "2"
    assert board.tested == board.asked == ["1", "2"]
    again = board.update()
    assert (again.result, again.version, again.bytes) == ("current", "2", 0)
    assert board.tested == ["1", "2"]


def test_a_version_that_fails_its_self_test_never_runs_and_is_not_tried_again(
    board: FakeBoard, bundles: list[SmallBundle]
) -> None:
    board.offer(bundles[0])
    board.verdicts["2"] = bad("wrong output: rms 9")
    done = board.offer(bundles[1])
    assert (done.result, done.kind, done.version, done.offered) == ("refused", "self-test", "1", "2")
    assert "rms 9" in done.reason
    assert board.asked == ["1"]
    later = board.update()
    assert (later.result, later.kind, later.requests) == ("refused", "self-test", 0)
    assert "rms 9" in later.reason
    assert later.hint
    assert board.tested == ["1", "2"]
    assert board.offer(bundles[2]).version == "3"


def test_a_refused_bundle_is_tried_again_on_demand_and_in_another_runtime(
    board: FakeBoard, bundles: list[SmallBundle]
) -> None:
    board.offer(bundles[0])
    board.verdicts["2"] = bad()
    board.offer(bundles[1])
    board.update(again=True)
    assert board.tested == ["1", "2", "2"]
    board.configure(runtimes={"native": Runtime(environment={"NEWER": "1"})})
    board.update()
    board.update()
    assert board.tested == ["1", "2", "2", "2"]
    del board.verdicts["2"]
    assert board.update(again=True).result == "switched"
    state = read_state(board.folder / "state.json")
    assert state is not None
    assert state.refused == ()


def test_another_agent_tries_a_refused_bundle_again(
    board: FakeBoard, bundles: list[SmallBundle], monkeypatch: pytest.MonkeyPatch
) -> None:
    board.verdicts["1"] = bad()
    board.offer(bundles[0])
    monkeypatch.setattr("sepia.ship.agent.update.__version__", "99")
    board.update()
    assert board.tested == ["1", "1"]


def test_health_that_is_not_well_brings_the_old_one_back(board: FakeBoard, bundles: list[SmallBundle]) -> None:
    board.offer(bundles[0])
    board.unwell["2"] = "the camera is dark"
    done = board.offer(bundles[1])
    assert (done.result, done.kind, done.version) == ("refused", "health", "1")
    assert "the camera is dark" in done.reason
    assert board.runs() == "1"
    assert board.asked == ["1", "2", "1"]  # the application is told of both switches
    assert not list((board.folder / "versions").glob("2-*"))


def test_the_first_one_that_is_not_well_leaves_nothing(board: FakeBoard, bundles: list[SmallBundle]) -> None:
    board.unwell["1"] = "no"
    assert board.offer(bundles[0]).version is None
    assert not (board.folder / "current").is_symlink()


def test_what_this_board_could_not_try_is_tried_again(board: FakeBoard, bundles: list[SmallBundle]) -> None:
    board.offer(bundles[0])
    board.verdicts["2"] = replace(bad("no such runtime"), worth_again=True)
    for _ in range(5):
        done = board.offer(bundles[1])
        assert (done.result, done.kind) == ("refused", "board")
    assert board.tested == ["1", *["2"] * 5]
    del board.verdicts["2"]
    assert board.update().result == "switched"


def _gone(*_: Any, **__: Any) -> Any:
    raise KeyboardInterrupt


@pytest.mark.parametrize(("step", "runs"), [("_selftest", "1"), ("_health", "2")])
def test_a_bundle_that_cuts_the_power_three_times_is_given_up(
    board: FakeBoard, bundles: list[SmallBundle], monkeypatch: pytest.MonkeyPatch, step: str, runs: str
) -> None:
    """In its self-test; or by way of the application, after the switch."""
    board.offer(bundles[0])
    with monkeypatch.context() as meanwhile:
        meanwhile.setattr(board, step, _gone)
        for _ in range(3):
            with pytest.raises(KeyboardInterrupt):
                board.offer(bundles[1])
            assert board.runs() == runs
    done = board.update()
    assert (done.result, done.kind, done.version) == ("refused", "cut", "1")
    assert "3 attempts" in done.reason
    assert board.runs() == "1"
    assert board.update(again=True).result == "switched"


def test_what_was_fetched_is_not_fetched_again_after_a_cut_in_the_self_test(
    board: FakeBoard, bundles: list[SmallBundle], monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as meanwhile, pytest.raises(KeyboardInterrupt):
        meanwhile.setattr(board, "_selftest", _gone)
        board.offer(bundles[0])
    assert board.update().result == "switched"
    assert board.repository.fetched == ["1"]


def test_a_trial_that_a_cut_left_is_over_where_another_is_offered(
    board: FakeBoard, bundles: list[SmallBundle], monkeypatch: pytest.MonkeyPatch
) -> None:
    board.offer(bundles[0])
    with monkeypatch.context() as meanwhile, pytest.raises(KeyboardInterrupt):
        meanwhile.setattr(board, "_selftest", _gone)
        board.offer(bundles[1])
    assert list((board.folder / "versions").glob("2-*"))
    assert board.offer(bundles[0]).result == "current"
    assert not list((board.folder / "versions").glob("2-*"))


def test_nothing_is_offered(board: FakeBoard) -> None:
    done = board.offer(None)
    assert (done.result, done.version, done.ok) == ("not offered", None, True)


def test_a_repository_that_is_refused_is_told_and_what_runs_goes_on(
    board: FakeBoard, bundles: list[SmallBundle]
) -> None:
    board.offer(bundles[0])
    board.repository.refuses = Refused("timestamp.json", "is expired", kind="expired", hint="renew it")
    done = board.offer(bundles[1])
    assert (done.result, done.kind, done.reason, done.hint, done.version) == (
        "refused", "expired", "timestamp.json: is expired", "renew it", "1",
    )  # fmt: skip
    check = status(board.work)["models"][MODEL]["last_check"]
    assert (check["when"], check["result"], check["kind"]) == ("2026-11-25T12:00:00Z", "refused", "expired")
    board.repository.refuses = None
    assert board.update().result == "switched"  # the link is not the bundle's fault


def test_a_kept_version_is_switched_to_without_a_download(board: FakeBoard, bundles: list[SmallBundle]) -> None:
    """The publisher has withdrawn the newer one."""
    for bundle in bundles[:2]:
        board.offer(bundle)
    assert board.offer(bundles[0]).version == "1"
    assert board.repository.fetched == ["1", "2"]
    assert board.tested == ["1", "2", "1"]


def test_a_kept_version_that_is_spoilt_is_fetched_again(board: FakeBoard, bundles: list[SmallBundle]) -> None:
    for bundle in bundles[:2]:
        board.offer(bundle)
    next((board.folder / "versions").glob("1-*/labels.txt")).write_text("dog")
    assert board.offer(bundles[0]).version == "1"
    assert board.repository.fetched == ["1", "2", "1"]
    assert board.runs() == "1"


def test_the_base_of_a_delta_is_made_again_from_the_folder(board: FakeBoard, bundles: list[SmallBundle]) -> None:
    board.offer(bundles[0])
    board.repository.uses_bases = bundles[0]
    assert board.offer(bundles[1]).delta
    assert list((board.folder / "incoming").iterdir()) == []


def test_a_spoilt_base_is_none(board: FakeBoard, bundles: list[SmallBundle]) -> None:
    board.offer(bundles[0])
    (board.folder / "current" / "labels.txt").write_text("dog\ncat\n")
    board.repository.uses_bases = bundles[0]
    done = board.offer(bundles[1])
    assert (done.result, done.delta) == ("switched", False)


@pytest.mark.parametrize("what", ["model", "version", "target"])
def test_a_signed_bundle_in_the_wrong_place_is_refused(
    board: FakeBoard, bundles: list[SmallBundle], quick_disk: Path, what: str
) -> None:
    board.offer(bundles[0])
    other = {"model": "mobilenet", "target": "pi5-bookworm64-native-t1"}
    made = make_small_bundle(quick_disk, "2", payload=10, **{key: text for key, text in other.items() if key == what})
    wrong = replace(made, version="3") if what == "version" else made
    done = board.offer(wrong)
    assert (done.kind, done.version) == ("manifest", "1")
    assert what in done.reason
    assert board.tested == ["1"]
    assert board.update().requests == 0, "it was fetched again"


def test_a_bundle_that_is_no_archive_is_remembered(
    board: FakeBoard, bundles: list[SmallBundle], quick_disk: Path
) -> None:
    board.offer(bundles[0])
    (quick_disk / "bad.sepia").write_bytes(b"\x7fELF" + bytes(5000))
    done = board.offer(replace(bundles[1], path=quick_disk / "bad.sepia"))
    assert (done.kind, done.version) == ("archive", "1")
    assert board.update().requests == 0


def test_a_spoilt_file_is_put_right_by_the_next_update(board: FakeBoard, bundles: list[SmallBundle]) -> None:
    board.offer(bundles[0])
    (board.folder / "current" / "labels.txt").write_text("cow\ndog\n")
    assert board.update().result == "current"  # nobody has looked
    found = verify_current(board.work, MODEL)
    assert not found["ok"]
    assert "labels.txt" in found["reason"]
    before = (board.folder / "current").resolve()
    assert board.update().result == "mended"
    assert (board.folder / "current").resolve() == before
    assert board.runs() == "1"
    assert verify_current(board.work, MODEL)["ok"]


def test_more_files_than_the_bundle_has_are_removed(board: FakeBoard, bundles: list[SmallBundle]) -> None:
    board.offer(bundles[0])
    current = board.folder / "current"
    (current / "golden" / "more").mkdir()
    (current / "golden" / "more" / "x").write_text("x")
    (current / "labels.txt").unlink()
    (current / "labels.txt").symlink_to("/etc/passwd")
    assert not verify_current(board.work, MODEL)["ok"]
    assert board.update().result == "mended"
    assert board.runs() == "1"
    assert Path("/etc/passwd").read_text().startswith("root")


def test_the_second_at_once_says_so(board: FakeBoard, bundles: list[SmallBundle]) -> None:
    board.offer(bundles[0])
    with locked(board.folder / "lock"):
        done = board.offer(bundles[1])
    assert (done.result, done.kind) == ("refused", "busy")
    assert "process" in done.reason
    assert board.update().version == "2"


def test_the_second_waits_for_the_first(board: FakeBoard, bundles: list[SmallBundle]) -> None:
    holder = subprocess.Popen(
        ["python3", "-c", _HOLD, str(board.folder / "lock")], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert holder.stdin is not None and holder.stdout is not None
    with holder:
        assert holder.stdout.read(1) == b"."
        assert board.offer(bundles[0]).kind == "busy"
        holder.send_signal(signal.SIGKILL)
        assert board.offer(bundles[0], wait_s=10).result == "switched"  # its lock died with it


_HOLD = """
import fcntl, os, sys
os.makedirs(os.path.dirname(sys.argv[1]), exist_ok=True)
file = open(sys.argv[1], "a")
fcntl.flock(file, fcntl.LOCK_EX)
sys.stdout.write("."), sys.stdout.flush(), sys.stdin.read()
"""


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """12 MB."""
    need_root("mount a small disk")
    disk = tmp_path / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=12m", "none", str(disk)], check=True)
    yield disk
    subprocess.run(["umount", str(disk)], check=True)


def test_a_full_disk_is_told_before_a_byte_is_fetched(small_disk: Path, quick_disk: Path) -> None:
    board = FakeBoard.made(small_disk / "root")
    board.offer(small_bundles(quick_disk, "1")[0])
    done = board.offer(make_small_bundle(quick_disk, "2", payload=5_000_000))
    assert (done.result, done.kind, done.version) == ("refused", "disk", "1")
    assert "free" in done.hint
    assert board.repository.fetched == ["1"]


def test_old_versions_make_room_and_the_one_before_stays(small_disk: Path, quick_disk: Path) -> None:
    board = FakeBoard.made(small_disk / "root", keep=9)
    for version in ("1", "2", "3"):
        assert board.offer(make_small_bundle(quick_disk, version, payload=1_300_000)).result == "switched"
    assert board.offer(make_small_bundle(quick_disk, "4", payload=2_700_000)).result == "switched"
    kept = {path.name.split("-")[0] for path in (board.folder / "versions").iterdir()}
    assert kept == {"2", "3", "4"}  # all but what ran and the one before it


def test_a_disk_that_fills_up_meanwhile_leaves_the_old_one(board: FakeBoard, quick_disk: Path) -> None:
    """Files may not grow past 300 kB: what the disk refuses in the middle of a file."""
    board.offer(small_bundles(quick_disk, "1")[0])
    bundle = make_small_bundle(quick_disk, "2", payload=400_000)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, before[1]))
    try:
        done = _fetched_without_limit(board, bundle, before)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)
    assert (done.result, done.kind, done.version) == ("refused", "disk", "1")
    assert list((board.folder / "incoming").iterdir()) == []
    assert board.update().result == "switched"


def _fetched_without_limit(board: FakeBoard, bundle: SmallBundle, before: tuple[int, int]) -> Any:
    """The archive comes whole; then its files are too much."""
    fetch = board.repository.fetch

    def unlimited(*words: Any) -> Any:
        limit = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        try:
            return fetch(*words)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limit)

    board.repository.fetch = unlimited  # type: ignore[method-assign]
    return board.offer(bundle)


def test_a_model_that_is_not_followed_is_refused(board: FakeBoard) -> None:
    with pytest.raises(Refused, match="does not follow 'mobilenet'") as error:
        board.update(model="mobilenet")
    assert error.value.hint == f"models followed: {MODEL}"
