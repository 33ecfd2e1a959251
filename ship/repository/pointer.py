"""What a channel offers a target: `current.json`, written. `ship/agent/pointer.py` is what reads it on the board."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace

from ..agent.pointer import folder_of, read_pointer

__all__ = ["CURRENT", "Pointer", "target_path"]

CURRENT = "current.json"


@dataclass(frozen=True)
class Pointer:
    """version: what is offered. rollout: to which share of the boards, 0 to 1. before: what the others have, or None.

    deltas: SHA-256 of a base bundle → the file that makes this version of it.
    """

    version: str
    bundle: str
    rollout: float
    deltas: tuple[tuple[str, str], ...] = ()
    before: tuple[str, str] | None = None

    def to_bytes(self) -> bytes:
        """JSON, always the same for the same pointer."""
        told = asdict(self) | {
            "schema": 1,
            "deltas": [{"base": base, "path": path} for base, path in self.deltas],
            "before": None if self.before is None else {"version": self.before[0], "bundle": self.before[1]},
        }
        return json.dumps(told, sort_keys=True, indent=1).encode() + b"\n"

    @classmethod
    def from_bytes(cls, data: bytes, model: str, channel: str, target: str) -> Pointer:
        """As the board reads it. Raises Refused."""
        found = read_pointer(data, folder_of(model, channel, target))
        deltas = tuple((delta.base, delta.path) for delta in found.deltas)
        return cls(found.version, found.path, found.rollout, deltas, found.before)

    def at(self, rollout: float) -> Pointer:
        return replace(self, rollout=rollout)


def target_path(model: str, channel: str, target: str, file: str) -> str:
    return f"{folder_of(model, channel, target)}{file}"
