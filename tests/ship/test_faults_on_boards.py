"""Faults in the middle of updates, on an emulated board with a real SSH server that pulls from a real web server.

One line each, `current` whole afterwards, nothing left over; and the next update works, where the fault is over.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from sepia.ship.agent.config import Timeouts
from support.attack_server import Answer, AttackServer, endless, slow, stalled
from support.fault_page import Saw
from support.ship_board import Said, ShipBoard
from support.ship_fixtures import FIRST, Served, kitchen, kitchen_board, served, story
from support.small_bundles import WRONG
from support.tuf_story import Story

__all__ = ["kitchen", "kitchen_board", "served", "story"]  # fixtures by import

pytestmark = pytest.mark.slow

NEW = "1.1.0"
SHIP = "/home/pi/.sepia/ship"


def kept(kitchen: ShipBoard, said: Said, runs: str = FIRST) -> str:
    """The line of an update that was refused; `runs` goes on, and nothing is left over."""
    assert kitchen.runs() == runs
    assert kitchen.left_over() == []
    return said.error


def updated(kitchen: ShipBoard, version: str = NEW) -> None:
    said = kitchen.agent("update")
    assert (said.code, kitchen.runs()) == (0, version), said
    assert kitchen.left_over() == []


# --- the bundle on this board -------------------------------------------------------------------------------------


def not_again(kitchen: ShipBoard, story: Story) -> None:
    """The same bundle is not fetched again; another one is taken."""
    assert kitchen.agent("update").code == 1
    assert kitchen.runs() == FIRST
    story.publish("1.1.1")
    updated(kitchen, "1.1.1")


def test_wrong_outputs(kitchen: ShipBoard, story: Story, served: Served, saw_ship: Saw) -> None:
    story.publish(NEW, does=WRONG)
    saw_ship("wrong outputs in the self-test", kept(kitchen, kitchen.agent("update")))
    not_again(kitchen, story)


def test_too_slow(kitchen: ShipBoard, story: Story, served: Served, saw_ship: Saw) -> None:
    # Without its watch: what else this machine is at work on is another fault ("disturbed"), and tried again.
    shutil.rmtree(kitchen.ship / "agent" / "sepia_bench")
    story.publish(NEW, p50_ms=0.5)
    saw_ship("too slow for its bound", kept(kitchen, kitchen.agent("update")))


def test_self_test_without_end(kitchen: ShipBoard, story: Story, served: Served, saw_ship: Saw) -> None:
    served.follow(timeouts=Timeouts(selftest=4.0))
    story.publish(NEW, takes_s=1000.0)
    saw_ship("self-test that does not end", kept(kitchen, kitchen.agent("update")))
    assert not [line for line in kitchen.board.processes() if "sleep" in line]


def test_health_command_that_fails(kitchen: ShipBoard, story: Story, served: Served, saw_ship: Saw) -> None:
    """The application knows better: this version does not suit it."""
    health = f"grep -q 'version {NEW}' {SHIP}/models/lite0/current/network && echo no camera picture && exit 3; exit 0"
    served.follow(health=("/bin/sh", "-c", health))
    story.publish(NEW)
    saw_ship("health command that fails", kept(kitchen, kitchen.agent("update")))
    not_again(kitchen, story)


# --- the disk -----------------------------------------------------------------------------------------------------


def test_disk_full_before(kitchen: ShipBoard, story: Story, served: Served, saw_ship: Saw) -> None:
    story.publish(NEW)
    kitchen.board.leave_disk(500_000)
    try:
        saw_ship("disk full before an update", kept(kitchen, kitchen.agent("update")))
    finally:
        kitchen.board.leave_disk(1_500_000_000)
    updated(kitchen)


def test_home_that_cannot_be_written(kitchen: ShipBoard, story: Story, served: Served, saw_ship: Saw) -> None:
    story.publish(NEW)
    kitchen.board.read_only("/home")
    try:
        saw_ship("home that cannot be written", kept(kitchen, kitchen.agent("update")))
    finally:
        kitchen.board.writable("/home")
    updated(kitchen)


# --- the network --------------------------------------------------------------------------------------------------


def test_no_server(kitchen: ShipBoard, story: Story, served: Served, saw_ship: Saw) -> None:
    story.publish(NEW)
    kitchen.follow(kitchen.url(9))
    saw_ship("no server at the address", kept(kitchen, kitchen.agent("update")))
    served.follow()
    updated(kitchen)


@pytest.mark.parametrize(
    ("answer", "part", "fault"),
    [
        (endless, "timestamp.json", "endless response"),
        (slow, ".sepia", "slow response"),
        (stalled, ".sepia", "link cut in mid-download"),
    ],
)
def test_bad_answer(answer: Answer, part: str, fault: str, kitchen: ShipBoard, story: Story, saw_ship: Saw) -> None:
    """Too much, too slow, or no end: a length, a rate and a time bound what a board takes."""
    story.deltas = False
    story.publish(NEW)
    with AttackServer(story.repository, address="0.0.0.0") as server:
        server.answers[part] = answer
        kitchen.follow(kitchen.url(server.port))
        saw_ship(fault, kept(kitchen, kitchen.agent("update")))
        server.answers.clear()
        updated(kitchen)


def test_changed_bundle(kitchen: ShipBoard, story: Story, served: Served, saw_ship: Saw) -> None:
    """One byte of the bundle on the server, its length as it was."""
    story.deltas = False
    story.publish(NEW)
    path = next((story.repository / "targets").glob(f"**/*.{NEW}.sepia"))
    right = path.read_bytes()
    path.write_bytes(right[:-2000] + bytes([right[-2000] ^ 1]) + right[-1999:])
    saw_ship("changed bundle", kept(kitchen, kitchen.agent("update")))
    path.write_bytes(right)
    updated(kitchen)


# --- the board ----------------------------------------------------------------------------------------------------


def test_clock_years_ahead(kitchen: ShipBoard, story: Story, served: Served, saw_ship: Saw) -> None:
    story.publish(NEW)
    with_clock(kitchen, +2000, lambda: saw_ship("clock years ahead", kept(kitchen, kitchen.agent("update"))))
    updated(kitchen)


def test_clock_years_back(kitchen: ShipBoard, story: Story, served: Served, saw_ship: Saw) -> None:
    """A board without a battery that has not heard from a time server."""

    # Nothing new is offered meanwhile: libfaketime's sleep is broken (EINVAL), and a self-test sleeps.
    def update() -> None:
        said = kitchen.agent("update")
        assert said.code == 0, said
        line = next((line for line in said.lines if "clock" in line), None)
        assert line is not None, said
        saw_ship("clock years back", f"kitchen: {line}")

    with_clock(kitchen, -2000, update)
    story.publish(NEW)
    updated(kitchen)


def with_clock(kitchen: ShipBoard, days: int, then: Callable[[], None]) -> None:
    kitchen.board.clock(days)
    try:
        then()
    finally:
        kitchen.board.clock(0)


def test_two_updates_at_once(kitchen: ShipBoard, story: Story, served: Served, saw_ship: Saw) -> None:
    """The timer's and somebody's own: neither is in the other's way."""
    story.publish(NEW, takes_s=1.0)
    with ThreadPoolExecutor(2) as pool:
        both = [pool.submit(kitchen.agent, "update") for _ in range(2)]
        said = [job.result() for job in both]
    assert [answer.code for answer in said] == [0, 0], said
    results = sorted(answer.answer["models"]["lite0"]["result"] for answer in said)
    saw_ship("two updates at once", f"kitchen: {results[0]} and {results[1]}")
    assert kitchen.runs() == NEW


def test_board_restarted_in_mid_update(kitchen: ShipBoard, story: Story, served: Served, saw_ship: Saw) -> None:
    story.publish(NEW, takes_s=60.0)
    with ThreadPoolExecutor(1) as pool:
        job = pool.submit(kitchen.agent, "update")
        until = time.monotonic() + 60
        while not [line for line in kitchen.board.processes() if "sleep 60" in line]:
            assert time.monotonic() < until, "no self-test came"
            time.sleep(0.1)
        kitchen.board.kill_power()
        kitchen.board.start()
        with pytest.raises(Exception, match="kitchen: ") as caught:
            job.result()
    saw_ship("board restarted in mid-update", str(caught.value))
    assert kitchen.runs() == FIRST
    story.publish("1.1.1")
    updated(kitchen, "1.1.1")
