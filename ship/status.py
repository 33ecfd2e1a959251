"""What runs on a board, as its agent tells it over SSH; for boards that only pull, too."""

from __future__ import annotations

from typing import Any

from ..devices.transport import Transport
from .ask import ask
from .install import ROOT

__all__ = ["status"]

_DEADLINE_S = 300.0


def status(transport: Transport, root: str = ROOT) -> dict[str, Any]:
    """The agent's own object: see `agent/status.py`. Raises BoardError, also where there is no agent."""
    return ask(transport, root, "status", deadline=_DEADLINE_S, guarded=False).told
