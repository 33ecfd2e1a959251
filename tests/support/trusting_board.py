"""A board's folder as far as trust goes: the root that was installed, what it has seen, and what runs."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from copy import copy
from datetime import datetime
from pathlib import Path
from typing import Any

from sepia.ship.agent.client import Client, Fetched, Offer

from support.tuf_repository import NOW, TARGET, TufRepository

__all__ = ["TrustingBoard"]


def no_base(sha256: str) -> None:
    """No version is kept that a delta could be applied to."""


class TrustingBoard:
    """folder: the agent's. now: what its clock says."""

    def __init__(self, folder: Path, repository: TufRepository) -> None:
        self.folder, self.now = folder, NOW
        runs = folder / "models" / "lite0" / "current" / "model.tflite"
        for file, data in ((folder / "trust" / "root.json", repository.root), (runs, b"what runs")):
            file.parent.mkdir(parents=True)
            file.write_bytes(data)
        self.client: Client

    def copied(self, folder: Path) -> TrustingBoard:
        other = copy(self)
        other.folder = Path(shutil.copytree(self.folder, folder, symlinks=True))
        return other

    def open(self, source: Any, **options: Any) -> Client:
        self.client = Client(self.folder, source, now=self.clock, **options)
        return self.client

    def clock(self) -> datetime:
        return self.now

    def offered(
        self, source: Any, channel: str = "stable", board: str = "board-1", model: str = "lite0"
    ) -> Offer | None:
        client = self.open(source)
        client.refresh()
        return client.offer(model, channel, TARGET, board)

    def take(self, source: Any, base: Callable[[str], Path | None] = no_base) -> Fetched | None:
        """What `sepia_agent update` asks for; the bundle is left in the folder's `taken`."""
        offer = self.offered(source)
        into = self.folder / "taken"
        into.unlink(missing_ok=True)
        return self.client.fetch(offer, into, base) if offer else None

    def lose(self, *names: str) -> None:
        """A power cut or a dying disk has emptied these of the metadata's files; all of them if none is named."""
        metadata = self.folder / "metadata"
        if not names:
            shutil.rmtree(metadata)
        for name in names:
            (metadata / name).write_bytes(b"")

    def files(self) -> dict[str, bytes]:
        """All but what is on its way, by name."""
        found = (path for path in self.folder.rglob("*") if path.is_file())
        return {
            str(path.relative_to(self.folder)): path.read_bytes()
            for path in sorted(found)
            if "partial" not in path.relative_to(self.folder).parts
        }
