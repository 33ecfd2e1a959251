"""What the steps of one run share: the board's configuration, its clock, and how bundles and health are tried."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import datetime
from hashlib import sha256
from pathlib import Path

from . import health, selftest
from .config import Config, Followed, Runtime, read_config
from .health import Health
from .layout import Layout, ModelFolder
from .lock import WAIT_S
from .manifest import Manifest
from .place import Place, bench_program
from .selftest import Verdict
from .state import iso

__all__ = ["Commands", "Work", "begin_work", "say"]


@dataclass(frozen=True)
class Commands:
    """How a bundle is tried, and how the operator's commands are asked: `selftest.run` and `health.check`."""

    selftest: Callable[..., Verdict] = selftest.run
    health: Callable[..., Health] = health.check


@dataclass(frozen=True)
class Work:
    """tell: a line for people. wait_s: for another run on the same model to end."""

    layout: Layout
    config: Config
    commands: Commands
    now: Callable[[], datetime]
    tell: Callable[[str], None]
    wait_s: float = WAIT_S

    def test(self, folder: ModelFolder, name: str, manifest: Manifest) -> Verdict:
        """Of the version that lies whole in versions/<name>."""
        runtime = self.config.runtimes.get(manifest.runtime, Runtime())
        place = Place(runtime.python, runtime.environment, self.config.run_with, bench_program())
        deadline_s = self.config.followed(folder.model).timeouts.selftest
        return self.commands.selftest(folder.version(name), manifest, place, deadline_s=deadline_s)

    def ask(self, folder: ModelFolder, version: str) -> str:
        """The operator's reload and health commands; "" if both are well or there are none, else the reason."""
        followed = self.followed(folder.model)
        if followed is None:
            return ""
        told = {"SEPIA_MODEL": folder.model, "SEPIA_VERSION": version, "SEPIA_CURRENT": str(folder.current)}
        timeouts = followed.timeouts
        for words, seconds in ((followed.reload, timeouts.reload), (followed.health, timeouts.health)):
            if words:
                said = self.commands.health(
                    words, folder=folder.path, run_with=self.config.run_with, told=told, deadline_s=seconds
                )
                if not said.ok:
                    return said.reason
        return ""

    def when(self) -> str:
        return iso(self.now())

    def folder(self, model: str) -> ModelFolder:
        return self.layout.model(model)

    def followed(self, model: str) -> Followed | None:
        return self.config.models.get(model)

    def circumstances(self) -> str:
        """What a refusal is bound to besides the agent: with other runtimes or another core, it is tried again."""
        runtimes = {name: asdict(runtime) for name, runtime in sorted(self.config.runtimes.items())}
        told = json.dumps([runtimes, self.config.run_with], sort_keys=True)
        return sha256(told.encode()).hexdigest()[:12]


def begin_work(
    root: Path, commands: Commands, now: Callable[[], datetime], tell: Callable[[str], None], wait_s: float
) -> Work:
    layout = Layout(root)
    return Work(layout, read_config(layout.config), commands, now, tell, wait_s)


def say(line: str) -> None:
    """To standard error, which is the board's journal."""
    print(line, file=sys.stderr, flush=True)  # noqa: T201
