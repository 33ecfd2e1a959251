"""Back to a version that a board has kept: no network but the way to the board, and a second at most."""

from __future__ import annotations

from typing import Any

from ..devices.transport import Transport
from ..errors import BoardError
from .ask import ask
from .install import ROOT
from .status import status

__all__ = ["rollback"]

_DEADLINE_S = 600.0


def rollback(
    transport: Transport, model: str | None = None, to: str | None = None, *, root: str = ROOT
) -> dict[str, Any]:
    """The agent's own object: see `agent/rollback.py`. model: None where the board follows one alone.

    to: a version that is kept; by default the one that ran before. Raises BoardError: none is kept, it is spoilt.
    """
    words = ["rollback", model or _only_model(transport, root), *(["--to", to] if to else [])]
    return ask(transport, root, *words, deadline=_DEADLINE_S).told


def _only_model(transport: Transport, root: str) -> str:
    models = [name for name, told in status(transport, root)["models"].items() if told["version"]]
    if len(models) == 1:
        return str(models[0])
    raise BoardError(transport.name, "say which model", accepted=", ".join(models) or "none runs there")
