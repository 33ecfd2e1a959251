"""Whatever happens to a board, in whatever order: what runs is whole and has proved itself, and each run settles."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from sepia.ship.agent.errors import Refused
from sepia.ship.agent.layout import name_of
from sepia.ship.agent.rollback import rollback
from sepia.ship.agent.state import read_state
from sepia.ship.agent.verify import verify_current
from support.cut_process import cut_by_exception
from support.fake_repository import FakeBoard, bad, small_bundles
from support.small_bundles import MODEL, SmallBundle

GOOD, UNFIT, UNWELL = ("1", "2", "3", "4"), "unfit", "unwell"
KEEP = 3
QUICK = Path("/dev/shm")


class Board(RuleBasedStateMachine):
    """runs: the version that must be current; None before the first."""

    @initialize()
    def begin(self) -> None:
        self.folder = Path(tempfile.mkdtemp(dir=QUICK if QUICK.is_dir() else None))
        made = small_bundles(self.folder, *GOOD, UNFIT, UNWELL)
        self.bundles: dict[str, SmallBundle] = {bundle.version: bundle for bundle in made}
        self.board = FakeBoard.made(self.folder / "root", keep=KEEP)
        self.board.verdicts[UNFIT] = bad()
        self.board.unwell[UNWELL] = "the camera is dark"
        self.runs: str | None = None
        self.settled = True
        self.held: set[str] = set()
        self.refused: set[str] = set()

    def teardown(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)

    @rule(version=st.sampled_from((*GOOD, UNFIT, UNWELL)))
    def publish(self, version: str) -> None:
        self.board.repository.offered = self.bundles[version]

    @rule(again=st.booleans())
    def update(self, again: bool) -> None:
        tested = len(self.board.tested)
        done = self.board.update(again=again)
        offered = self.board.repository.offered
        now = self.board.runs()
        if offered is None:
            assert done.result == "not offered"
        elif done.result in ("switched", "current"):
            assert now == offered.version
            assert offered.version not in (UNFIT, UNWELL)
        elif done.result == "held":
            assert offered.version in self.held
        else:
            assert done.result == "refused"
            assert done.kind in ({UNFIT: "self-test", UNWELL: "health"}.get(offered.version, "cut"), "cut")
        if offered and offered.version in self.refused and not again:
            assert len(self.board.tested) == tested, "a refused bundle was tried again"
        if done.result == "switched":
            self.held = set()
        if done.result == "refused" and offered:
            self.refused.add(offered.version)
        self.runs, self.settled = now, True
        self.nothing_is_left()

    @rule(act=st.integers(1, 60))
    def update_is_cut(self, act: int) -> None:
        offered = self.board.repository.offered
        before = self.board.runs()
        if cut_by_exception(act, self.board.update):
            self.settled = False
            assert self.board.runs() in (before, self.runs, offered and offered.version)
        else:
            self.update(again=False)
        if offered is None or offered.version not in self.held:
            self.held = set()  # it may have been switched

    @rule()
    def roll_back(self) -> None:
        self.update(again=False)
        left = self.board.runs()
        try:
            done = rollback(self.board.work, MODEL)
        except Refused as refused:
            assert refused.kind == "missing"
            return
        assert left is not None
        assert self.board.runs() == done.version != left
        self.held |= {left}
        self.runs = done.version
        state = read_state(self.board.folder / "state.json")
        assert state is not None
        assert state.holds(name_of(left, self.bundles[left].sha256))
        self.held |= {held.version for held in state.held}

    @rule(text=st.sampled_from([b"", b"{", b'{"schema": 1}', b"\x00" * 300, None]))
    def state_is_lost(self, text: bytes | None) -> None:
        self.update(again=False)
        state = self.board.folder / "state.json"
        if text is None:
            state.unlink()
        else:
            state.write_bytes(text)
        self.held = self.refused = set()

    @precondition(lambda self: self.runs is not None and self.settled)
    @rule(how=st.sampled_from(["gone", "dangling", "elsewhere", "a file"]))
    def current_is_broken(self, how: str) -> None:
        current = self.board.folder / "current"
        current.unlink()
        if how == "dangling":
            current.symlink_to("versions/9-0123456789ab")
        elif how == "elsewhere":
            current.symlink_to("/etc")
        elif how == "a file":
            current.write_text("versions")
        runs, self.board.repository.offered = self.runs, None
        self.board.update()
        assert self.board.runs() == runs

    @precondition(lambda self: self.runs in self.bundles)
    @rule(file=st.sampled_from(["payload.bin", "manifest.json", "golden/inputs.bin"]))
    def file_is_spoilt(self, file: str) -> None:
        self.update(again=False)
        if self.runs is None:
            return
        path = self.board.folder / "current" / file
        data = bytearray(path.read_bytes())
        data[len(data) // 2] ^= 1
        path.write_bytes(data)
        assert not verify_current(self.board.work, MODEL)["ok"]
        self.board.repository.offered = self.bundles[self.runs]
        done = self.board.update()
        assert done.result in ("mended", "switched")
        assert self.board.runs() == self.runs

    @invariant()
    def what_runs_is_whole(self) -> None:
        if not hasattr(self, "board"):
            return
        if self.settled:
            assert self.board.runs() == self.runs
            assert self.runs not in (UNFIT, UNWELL)
        else:
            assert self.board.runs() != UNFIT

    def nothing_is_left(self) -> None:
        state = read_state(self.board.folder / "state.json")
        assert state is not None
        assert state.trial is None
        assert len(state.kept) <= KEEP + 1  # what is current, and what it goes back to, always stay
        names = {path.name for path in (self.board.folder / "versions").iterdir()}
        assert names == {kept.name for kept in state.kept}
        assert list((self.board.folder / "incoming").glob("*")) == []
        assert list(self.board.folder.glob("*.new")) == []
        assert not {kept.version for kept in state.kept} & {UNFIT, UNWELL}


def _run(examples: int, steps: int) -> None:
    from hypothesis.stateful import run_state_machine_as_test

    how: dict[str, Any] = {"deadline": None, "suppress_health_check": list(HealthCheck), "derandomize": True}
    run_state_machine_as_test(
        Board, settings=settings(max_examples=examples, stateful_step_count=steps, database=None, **how)
    )


def test_a_few_lives_of_a_board() -> None:
    _run(8, 10)


@pytest.mark.slow
def test_many_lives_of_a_board() -> None:
    _run(40, 25)
