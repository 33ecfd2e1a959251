"""A board that follows a model and runs its version 1.0.0, for the tests of shipping's faults and attacks."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from benchmarks.web_server import WebServer
from support.board_fixtures import started
from support.needs import need_programs
from support.ship_board import ShipBoard
from support.tuf_story import Story

__all__ = ["Served", "kitchen", "kitchen_board", "served", "story"]

FIRST = "1.0.0"


@pytest.fixture(scope="session")
def kitchen_board(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ShipBoard]:
    """Raspberry Pi 4, 64 bit, of this worker's session; installed by the product, updated from nginx."""
    need_programs(nginx="nginx-light")
    folder = tmp_path_factory.mktemp("story")
    story = Story(folder)
    story.publish(FIRST)
    with ExitStack() as stack:
        board = started("pi4")
        stack.push(board)
        kitchen = ShipBoard(board, story)
        with WebServer(story.repository, folder / "nginx", address="0.0.0.0") as server:
            kitchen.follow(kitchen.url(server.port))
            said = kitchen.agent("update")
        assert said.code == 0, said
        assert kitchen.runs() == FIRST
        kitchen.save()
        yield kitchen


@pytest.fixture
def kitchen(kitchen_board: ShipBoard) -> Iterator[ShipBoard]:
    """The board, put back to 1.0.0 afterwards; it follows nobody yet."""
    yield kitchen_board
    kitchen_board.restore()


@pytest.fixture
def story(kitchen_board: ShipBoard, tmp_path: Path) -> Story:
    """The board's repository with 1.0.0, the test's own copy."""
    return kitchen_board.story.fork(tmp_path / "story")


class Served:
    """The test's repository on nginx; the board follows it. requests: what it was asked for."""

    def __init__(self, board: ShipBoard, server: WebServer) -> None:
        self.board, self.server = board, server

    def follow(self, **changes: object) -> None:
        self.board.follow(self.board.url(self.server.port), **changes)


@pytest.fixture
def served(kitchen: ShipBoard, story: Story, tmp_path: Path) -> Iterator[Served]:
    """`story` on a web server, followed by `kitchen`."""
    with WebServer(story.repository, tmp_path / "nginx", address="0.0.0.0") as server:
        found = Served(kitchen, server)
        found.follow()
        yield found
