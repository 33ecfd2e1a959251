"""A repository without keys, and a self-test and health without a network: for the steps between them.

The fake has the shape of the agent's TUF client (`refresh`, `offer`, `fetch`); what is offered are real bundles.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sepia.ship.agent.client import Fetched, Offer
from sepia.ship.agent.config import Config, Followed, write_config
from sepia.ship.agent.errors import Refused
from sepia.ship.agent.health import Health
from sepia.ship.agent.outcome import Done
from sepia.ship.agent.selftest import Verdict
from sepia.ship.agent.update import update
from sepia.ship.agent.work import Commands, Work, begin_work

from support.small_bundles import MODEL, TARGETS, SmallBundle, make_small_bundle

__all__ = ["FakeBoard", "FakeRepository", "small_bundles"]

WELL = Verdict(True, "", 1.0, 1_000_000, 0.0, 0.1)


@dataclass
class FakeRepository:
    """offered: None for nothing. refuses: raised by refresh. uses_bases: whether a delta is had, if there is a base."""

    offered: SmallBundle | None = None
    refuses: Refused | None = None
    in_rollout: bool = True
    uses_bases: SmallBundle | None = None
    refreshed: int = 0
    fetched: list[str] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    bytes: int = 0
    requests: int = 0

    def refresh(self) -> None:
        self.refreshed += 1
        if self.refuses is not None:
            raise self.refuses

    def offer(self, model: str, channel: str, target: str, board: str) -> Offer | None:
        if self.offered is None:
            return None
        bundle = self.offered
        path = f"{model}/{channel}/{target}/{bundle.version}.sepia"
        return Offer(bundle.version, path, bundle.bytes, bundle.sha256, (), self.in_rollout)

    def fetch(self, offer: Any, into: Path, base: Callable[[str], Path | None]) -> Any:
        assert self.offered is not None
        found = base(self.uses_bases.sha256) if self.uses_bases is not None else None
        if found is not None and self.uses_bases is not None:
            assert found.read_bytes() == self.uses_bases.path.read_bytes()
        shutil.copyfile(self.offered.path, into)
        self.fetched.append(offer.version)
        self.bytes, self.requests = self.bytes + offer.bytes, self.requests + 1
        return Fetched(into, offer.bytes, 1, found is not None)


@dataclass
class FakeBoard:
    """root: of the agent. verdicts: of a version's self-test, else WELL. unwell: what the health command says of a
    version that runs, else nothing. asked: versions whose health was asked for."""

    root: Path
    repository: FakeRepository = field(default_factory=FakeRepository)
    verdicts: dict[str, Verdict] = field(default_factory=dict)
    unwell: dict[str, str] = field(default_factory=dict)
    tested: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    now: datetime = datetime(2026, 11, 25, 12, 0, 0, tzinfo=UTC)

    @classmethod
    def made(cls, root: Path, **followed: Any) -> FakeBoard:
        root.mkdir(parents=True)
        board = cls(root)
        board.configure(**followed)
        return board

    def configure(self, runtimes: dict[str, Any] | None = None, **followed: Any) -> None:
        followed = {"target": TARGETS["arm64"], "health": ("true",), **followed}
        models = {MODEL: Followed(**followed)}
        config = Config("kitchen", "http://127.0.0.1:1/", models, runtimes or {})
        (self.root / "config.json").write_bytes(write_config(config))

    @property
    def folder(self) -> Path:
        return self.root / "models" / MODEL

    @property
    def work(self) -> Work:
        return begin_work(self.root, self.commands, lambda: self.now, self.said.append, 0.0)

    @property
    def commands(self) -> Commands:
        return Commands(self._selftest, self._health)

    def offer(self, bundle: SmallBundle | None, **how: Any) -> Done:
        """Update to what is published now."""
        self.repository.offered = bundle
        return self.update(**how)

    def update(self, **how: Any) -> Done:
        how = {"wait_s": 0.0, **how}
        outcome = update(
            self.root,
            self.repository,
            client=lambda work, source: self.repository,
            commands=self.commands,
            now=lambda: self.now,
            tell=self.said.append,
            **how,
        )
        return outcome.of(MODEL)

    def runs(self) -> str | None:
        """The version that an application finds in `current`; AssertionError if it finds half of one."""
        current = self.folder / "current"
        if not current.is_symlink():
            assert not current.exists()
            return None
        from sepia.ship.agent.archive import verify

        return verify(current.resolve(strict=True)).version

    def _selftest(self, folder: Path, manifest: Any, place: Any, *, deadline_s: float) -> Verdict:
        self.tested.append(manifest.version)
        return self.verdicts.get(manifest.version, WELL)

    def _health(self, command: Any, *, folder: Path, run_with: Any, told: Any, deadline_s: float) -> Health:
        version = told["SEPIA_VERSION"]
        self.asked.append(version)
        reason = self.unwell.get(version, "")
        return Health(not reason, reason, "", 0.0)


def small_bundles(folder: Path, *versions: str) -> list[SmallBundle]:
    return [make_small_bundle(folder, version, payload=2000) for version in versions]


def bad(reason: str = "wrong output: rms 9") -> Verdict:
    return replace(WELL, ok=False, reason=reason)
