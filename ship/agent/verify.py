"""Whether what runs is still what was verified when it came: every byte of it is read."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from .layout import ModelFolder
from .lock import locked
from .mend import look
from .state import State, read_state, write_state
from .switch import current_name
from .work import Work

__all__ = ["verify_current"]


def verify_current(work: Work, model: str) -> dict[str, Any]:
    """What is wrong is kept in the state, so that the next update puts it right."""
    folder = work.folder(model)
    with locked(folder.lock, work.wait_s):
        return _verified(work, folder)


def _verified(work: Work, folder: ModelFolder) -> dict[str, Any]:
    state = read_state(folder.state) or State()
    name = current_name(folder)
    if name is None:
        return {"version": None, "ok": True, "reason": ""}
    kept = state.of(name)
    spoilt = look(folder, name, kept.sha256 if kept else "")
    if spoilt != state.spoilt:
        state = replace(state, spoilt=spoilt)
        write_state(folder.state, state.noting(work.now(), "verified", name, spoilt or "well"))
    return {"version": kept.version if kept else name, "ok": not spoilt, "reason": spoilt}
