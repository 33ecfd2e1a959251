"""The turn of a rollback, which a cut may leave half done: written as an intention, switched, written as done."""

from __future__ import annotations

from dataclasses import replace

from .layout import ModelFolder
from .state import MOST_HELD, Held, State, write_state
from .switch import current_name, switch_to
from .work import Work

__all__ = ["begin_rollback", "finish_rollback"]


def begin_rollback(folder: ModelFolder, state: State, to: str) -> State:
    state = replace(state, rollback=to)
    write_state(folder.state, state)
    return state


def finish_rollback(work: Work, folder: ModelFolder, state: State) -> State:
    """Switch to `state.rollback`, and hold whatever ran after it."""
    to = state.rollback
    if to is None or not folder.version(to).is_dir():
        state = replace(state, rollback=None)
    else:
        left = current_name(folder)
        switch_to(folder, to)
        state = _rolled_back(work, state, to, left)
    write_state(folder.state, state)
    return state


def _rolled_back(work: Work, state: State, to: str, left: str | None) -> State:
    names = [kept.name for kept in state.kept]
    later = names[names.index(to) + 1 :] if to in names else []
    held = {entry.name: entry for entry in state.held if entry.name != to}
    for kept in state.kept:
        if kept.name in later:
            held.setdefault(kept.name, Held(kept.version, kept.name, work.when()))
    state = replace(state, held=tuple(held.values())[-MOST_HELD:], current=to, rollback=None, spoilt="")
    state = replace(state, previous=state.earlier(to))
    entry = state.of(to)
    return state.noting(work.now(), "rolled back", entry.version if entry else to, f"from {left or 'nothing'}")
