"""What came of a change: what is in force now, what waits for whose signatures, what ends soon."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

__all__ = ["Outcome", "Waiting"]


@dataclass(frozen=True)
class Waiting:
    """path: the metadata to be signed. signed, by: keys that did, and others that may. missing: signatures, ≥ 0.

    missing is 0 where the file has its signatures, and those who sign after it (snapshot, timestamp) are not here.
    """

    role: str
    version: int
    path: Path
    signed: tuple[str, ...]
    missing: int
    by: tuple[str, ...]

    def __str__(self) -> str:
        if not self.missing:
            return f"{self.role} {self.version} is signed, and waits for others: {', '.join(self.by)}"
        return f"{self.role} {self.version} waits for {self.missing} of the signatures of {', '.join(self.by)}"


@dataclass(frozen=True)
class Outcome:
    """versions: role → version of the metadata that came into force. warnings: lines for the publisher."""

    versions: Mapping[str, int] = field(default_factory=dict)
    waiting: tuple[Waiting, ...] = ()
    warnings: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        waiting = [{**asdict(one), "path": str(one.path)} for one in self.waiting]
        return {"versions": dict(self.versions), "waiting": waiting, "warnings": list(self.warnings)}
