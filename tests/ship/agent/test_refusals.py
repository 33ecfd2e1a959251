"""Each attack against a board that has taken version 1.0.0, with real signatures and a real web server.

Refused by its kind, told in one line, and nothing of the board's is changed: not what runs, and not what it trusts
(but for what was rightly signed: a newer root, timestamp or snapshot stays known).
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sepia.ship.agent.errors import Refused
from sepia.ship.agent.fetch import Http, Inbox
from support.attack_server import AttackServer
from support.link_attacks import ON_THE_WAY
from support.trusting_board import TrustingBoard
from support.tuf_attacks import ATTACKS, OLD, OTHER, Attack, Scene
from support.tuf_repository import TufRepository


@pytest.fixture(scope="module")
def before(tmp_path_factory: pytest.TempPathFactory) -> tuple[TufRepository, TrustingBoard]:
    folder = tmp_path_factory.mktemp("before")
    repository = TufRepository(folder / "repository", thresholds={OTHER: 2})
    repository.offer("1.0.0", OLD)
    board = TrustingBoard(folder / "board", repository)
    board.take(Inbox(repository.folder))
    return repository, board


@pytest.fixture
def scene(before: tuple[TufRepository, TrustingBoard], tmp_path: Path) -> Iterator[Scene]:
    repository, board = before[0].fork(tmp_path / "repository"), before[1].copied(tmp_path / "board")
    with AttackServer(repository.folder) as server:
        yield Scene(repository, server, board, tmp_path)


@pytest.mark.parametrize("attack", [*ATTACKS, *ON_THE_WAY], ids=lambda attack: attack.name)
def test_an_attack_is_refused_and_told_and_changes_nothing(scene: Scene, attack: Attack) -> None:
    scene.server.folder = attack.does(scene) or scene.server.folder
    before = scene.board.files()
    source = Http(scene.server.url, window_s=0.4)
    with pytest.raises(Refused) as refused:
        scene.board.take(source)
        scene.board.client.offer("mobile", "stable", "any", "board-1")
    source.close()
    line = str(refused.value)
    assert (refused.value.kind, attack.words in line) == (attack.kind, True), f"{refused.value.kind}: {line}"
    assert "\n" not in line
    after = scene.board.files()
    assert after["models/lite0/current/model.tflite"] == b"what runs"
    newer = {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)}
    assert {name for name in newer if name.split("/")[0] not in ("metadata", "trust", "taken")} == set()
    assert after["trust/root.json"] == before["trust/root.json"]
