"""Whatever a publisher does, in whatever order: a client that follows accepts it, and no version falls."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from sepia.errors import ConfigError, TrustError
from sepia.ship.repository import (
    add_keys,
    check,
    promote,
    prune,
    publish,
    renew,
    revoke,
    rotate,
    set_rollout,
    set_threshold,
    withdraw,
)
from support.followed_repository import Follower, bundle, open_store
from support.small_bundles import MODEL

CHANNELS = st.sampled_from(["stable", "beta"])
ROLES = st.sampled_from(["root", "targets", "snapshot", "timestamp", f"{MODEL}.stable", f"{MODEL}.beta"])
SHARES = st.sampled_from([0.0, 0.25, 1.0])
NUMBERS = st.integers(0, 3)


def machine_of(made: Path, bundles: Path) -> type[RuleBasedStateMachine]:
    class Publisher(RuleBasedStateMachine):
        @initialize()
        def begin(self) -> None:
            self.folder = Path(tempfile.mkdtemp(prefix="sequence-", dir=bundles))
            shutil.copytree(made, self.folder / "made")
            self.repository = self.folder / "made" / "repository"
            self.keys = open_store(self.folder / "made" / "keys")
            self.published: set[tuple[str, str]] = set()
            self.made = 0
            root = (self.repository / "metadata" / "1.root.json").read_bytes()
            self.url = f"file://{self.repository}/"
            self.follower = Follower(self.folder / "board", self.url, root)
            self.late = Follower(self.folder / "late", self.url, root)

        @rule(channel=CHANNELS, share=SHARES, number=NUMBERS, again=st.booleans())
        def publish(self, channel: str, share: float, number: int, again: bool) -> None:
            path = bundle(bundles, f"1.{number}.0")
            if self.allowed(lambda: publish(self.repository, self.keys, path, channel, rollout=share, again=again)):
                self.published.add((channel, f"1.{number}.0"))

        @rule(number=NUMBERS)
        def promote(self, number: int) -> None:
            act = lambda: promote(self.repository, self.keys, MODEL, f"1.{number}.0", "beta", "stable")  # noqa: E731
            if self.allowed(act):
                self.published.add(("stable", f"1.{number}.0"))

        @rule(channel=CHANNELS, share=SHARES)
        def roll_out(self, channel: str, share: float) -> None:
            self.allowed(lambda: set_rollout(self.repository, self.keys, MODEL, channel, share))

        @rule(channel=CHANNELS)
        def withdraw(self, channel: str) -> None:
            self.allowed(lambda: withdraw(self.repository, self.keys, MODEL, channel))

        @rule(role=ROLES)
        def rotate(self, role: str) -> None:
            held = next(one.keys for one in check(self.repository, self.keys, files=False).roles if one.role == role)
            rotate(self.repository, self.keys, role, held[0], self.fresh())

        @rule(role=ROLES, threshold=st.integers(1, 3))
        def set_threshold(self, role: str, threshold: int) -> None:
            self.allowed(lambda: set_threshold(self.repository, self.keys, role, threshold))

        @rule(role=ROLES)
        def add_and_revoke(self, role: str) -> None:
            name = self.fresh()
            add_keys(self.repository, self.keys, role, [name])
            revoke(self.repository, self.keys, name)

        @rule(roles=st.sets(ROLES, max_size=2))
        def renew(self, roles: set[str]) -> None:
            renew(self.repository, self.keys, sorted(roles))

        @rule()
        def prune(self) -> None:
            prune(self.repository, self.keys, keep=2, grace_days=0)

        @rule()
        def look_seldom(self) -> None:
            self.look(self.late)

        @invariant()
        def a_client_accepts(self) -> None:
            if hasattr(self, "follower"):
                self.look(self.follower)

        def look(self, follower: Follower) -> None:
            follower.refresh()
            for channel in sorted({channel for channel, _ in self.published}):
                told = follower.offer(channel)
                assert (channel, told["version"]) in self.published

        def fresh(self) -> str:
            self.made += 1
            return f"key-{self.made}"

        def allowed(self, act: Callable[[], Any]) -> bool:
            """Whether it was; what is refused is refused by us, and changes nothing that clients see."""
            try:
                act()
            except (ConfigError, TrustError):
                return False
            return True

        def teardown(self) -> None:
            if hasattr(self, "folder"):
                shutil.rmtree(self.folder)

    return Publisher


@pytest.mark.parametrize(("runs", "steps"), [(3, 6), pytest.param(25, 20, marks=pytest.mark.slow)])
def test_a_client_that_follows_always_accepts(
    made_repository: Path, bundles: Path, runs: int, steps: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.fsync", lambda descriptor: None)
    run_state_machine_as_test(
        machine_of(made_repository, bundles),
        settings=settings(
            max_examples=runs,
            stateful_step_count=steps,
            deadline=None,
            phases=[Phase.explicit, Phase.generate],
            suppress_health_check=list(HealthCheck),
        ),
    )
