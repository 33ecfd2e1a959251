"""What runs on this board, what lies beside it, and how the last look at the repository ended."""

from __future__ import annotations

import platform
import sys
from dataclasses import asdict
from typing import Any

from . import __version__
from .durable import free_bytes
from .errors import Refused
from .layout import ModelFolder
from .prune import size_of
from .state import State, read_state
from .switch import current_name
from .work import Work

__all__ = ["status"]


def status(work: Work) -> dict[str, Any]:
    """Read as it lies there: no lock is taken and nothing is changed, so a run that is under way may be half told."""
    models = sorted({*work.config.models, *work.layout.models()})
    return {
        "board": work.config.board,
        "agent": __version__,
        "python": platform.python_version(),
        "executable": sys.executable,
        "machine": platform.machine(),
        "repository": work.config.repository,
        "time": work.when(),
        "free_bytes": free_bytes(work.layout.root),
        "models": {model: _model(work, model) for model in models},
    }


def _model(work: Work, model: str) -> dict[str, Any]:
    folder, followed = work.folder(model), work.followed(model)
    try:
        state, spoilt = read_state(folder.state) or State(), ""
        name = current_name(folder)
    except Refused as refused:
        state, name, spoilt = State(), None, str(refused)
    kept = state.of(name)
    previous = state.of(state.previous)
    return {
        "followed": followed is not None,
        "version": kept.version if kept else name,
        "sha256": (kept.sha256 or None) if kept else None,
        "since": (kept.since or None) if kept else None,
        "channel": followed.channel if followed else None,
        "target": followed.target if followed else None,
        "previous": previous.version if previous else None,
        "kept": [asdict(entry) for entry in state.kept],
        "held": [asdict(entry) for entry in state.held],
        "refused": [asdict(entry) for entry in state.refused],
        "pending": None if state.trial is None else asdict(state.trial),
        "spoilt": state.spoilt or spoilt or None,
        "last_check": None if state.last_check is None else asdict(state.last_check),
        "history": [asdict(entry) for entry in state.history],
        "disk_bytes": size_of(folder.path),
        "missing": _missing(folder, name),
    }


def _missing(folder: ModelFolder, name: str | None) -> bool:
    """Whether `current` leads nowhere."""
    return name is not None and not folder.version(name).is_dir()
