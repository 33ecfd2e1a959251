"""current.json as the publisher writes it: read again by the board's own code before it is signed."""

from __future__ import annotations

import json
from typing import Any

from ...errors import ConfigError
from ..agent.pointer import Pointer, read_pointer
from ..host_error import host_error

__all__ = ["refuse_odd_rollout", "write_pointer"]


def write_pointer(pointer: Pointer, folder: str) -> bytes:
    """folder: MODEL/CHANNEL/TARGET/. Raises InputError for what the board would refuse."""
    told: dict[str, Any] = {
        "schema": 1,
        "version": pointer.version,
        "bundle": pointer.path,
        "rollout": pointer.rollout,
        "deltas": [{"base": delta.base, "path": delta.path} for delta in pointer.deltas],
        "before": None if pointer.before is None else {"version": pointer.before[0], "bundle": pointer.before[1]},
    }
    data = json.dumps(told, sort_keys=True, separators=(",", ":")).encode("ascii") + b"\n"
    with host_error():
        read_pointer(data, folder)
    return data


def refuse_odd_rollout(rollout: float) -> None:
    if not 0 <= rollout <= 1:
        raise ConfigError("rollout", f"is {rollout}", accepted="a share of the boards, 0 to 1")
