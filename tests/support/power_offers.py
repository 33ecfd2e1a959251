"""What a board is offered between power cuts: small versions in turn whole and as a difference, from a real web server.

Each step of an update takes some tenths of a second on the virtual board, so that a random moment may fall into any.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from sepia.ship.agent import archive
from sepia.ship.agent.config import Config, Followed
from sepia.ship.agent.layout import name_of

from benchmarks.web_server import WebServer
from support.installed_agent import write_agent
from support.power_board import HOST
from support.small_bundles import SmallBundle
from support.tuf_story import Story

__all__ = ["PowerOffers"]

_PAYLOAD = 600_000
_RATE = 1_000_000
_HEALTH = ("/bin/sh", "-c", "sleep 0.2")
_KNOWN = re.compile(r"current|lock|state\.json|versions|incoming|versions/[\w.+-]+-[0-9a-f]{12}")


_STEPS = {
    "recover": r"^@ begin recover",
    "refresh": r"^@ (open|os\.rename) (metadata|trust)/",
    "fetch": r"^@ (open|os\.rename) (partial/|\S+/incoming/base)",
    "unpack": r"^@ open \S+/incoming/\S+/",
    "move to versions": r"^@ os\.rename \S+/incoming/\S+ \S+/versions/",
    "self-test": r"^@ (os\.mkdir \S+/selftest|subprocess\.Popen \S+/network)",
    "switch": r"^@ os\.(symlink|rename) \S+ \S+/current(\.new)?$",
    "health": r"^@ subprocess\.Popen /bin/sh",
    "mark": r"^@ os\.rename \S+/state\.json\.new",
    "prune": r"^@ os\.(remove \w|rmdir \S+\.gone|rename \S+/versions/\S+ \S+/incoming/)",
}
"""Step of an update → what the console tells of it. See the steps of `ship/agent/update.py`."""


class PowerOffers:
    """folder: for the repository and the server. `home` becomes the board's, with version 1.0.0 running."""

    steps: Mapping[str, str] = _STEPS

    def __init__(self, folder: Path) -> None:
        self.story = Story(folder)
        self.model = self.story.model
        self.server = WebServer(self.story.repository, folder / "nginx", rate=_RATE)
        self.home = folder / "home"

    def __enter__(self) -> Self:
        self.server.__enter__()
        followed = Followed(self.story.target, self.story.channel, keep=2, health=_HEALTH)
        config = Config("kitchen", self.server.url(HOST), {self.model: followed})
        self._install(write_agent(self.home, config, self.story.root.read_bytes()))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.server.stop()

    def publish(self) -> str:
        # With and without the one before to start from: both ways to the same bundle.
        self.story.deltas = len(self.story.bundles) % 2 == 1
        return self._next().version

    def manifest(self, version: str) -> str:
        return next(made.manifest_sha256 for made in self.story.bundles if made.version == version)

    def allowed(self, name: str) -> bool:
        return bool(_KNOWN.fullmatch(name))

    def _next(self) -> SmallBundle:
        return self.story.publish(f"1.0.{len(self.story.bundles)}", takes_s=0.2, payload=_PAYLOAD)

    def _install(self, ship: Path) -> None:
        """The first version, as if the board had installed it."""
        first = self._next()
        folder = ship / "models" / self.model
        (folder / "versions").mkdir(parents=True)
        name = name_of(first.version, first.sha256)
        archive.unpack(first.path, folder / "versions" / name)
        (folder / "current").symlink_to(f"versions/{name}")
