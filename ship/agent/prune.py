"""Old versions taken away: never what is current, what it would go back to, or what is on trial."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

from .durable import free_bytes, make_folder, move, remove
from .errors import Refused
from .layout import ModelFolder, split_name
from .state import State, write_state
from .switch import current_name

__all__ = ["discard", "forget", "make_room", "prune", "size_of"]

SPARE = 4 << 20
"""Bytes that are left free for metadata, state and whatever else writes to the disk."""


def prune(folder: ModelFolder, state: State, keep: int) -> State:
    """Leave `keep` versions, the latest that ran; the others, the oldest first, are removed.

    A version is forgotten before it is removed: what a cut leaves of it is swept away by `recover`.
    """
    while len(state.kept) > keep:
        oldest = _oldest(folder, state)
        if oldest is None:
            break
        state = forget(folder, state, oldest)
    return state


def make_room(folder: ModelFolder, state: State, needed: int) -> State:
    """Remove old versions, the oldest first, until `needed` bytes and some to spare are free on the disk.

    Raises Refused of kind "disk" that says how much is missing, with all removed that could be.
    """
    while free_bytes(folder.path) < needed + SPARE:
        oldest = _oldest(folder, state)
        if oldest is None:
            free = free_bytes(folder.path)
            what = f"{needed + SPARE} bytes are needed, {free} are free"
            raise Refused(str(folder.path), what, kind="disk", hint=f"free {needed + SPARE - free} bytes")
        state = forget(folder, state, oldest)
    return state


def forget(folder: ModelFolder, state: State, name: str) -> State:
    """A version that is not current is kept no more."""
    state = replace(state, kept=tuple(kept for kept in state.kept if kept.name != name))
    if state.previous == name:
        state = replace(state, previous=state.earlier(current_name(folder)))
    write_state(folder.state, state)
    discard(folder, name)
    return state


def discard(folder: ModelFolder, name: str) -> None:
    """Take a version's folder away: out of versions/ in one rename, so that no part of it is ever found there."""
    if not split_name(name) or current_name(folder) == name:
        raise ValueError(f"{name} is current, or no version")
    if folder.version(name).is_dir():
        make_folder(folder.incoming)
        gone = folder.incoming / f"{name}.gone"
        remove(gone)
        move(folder.version(name), gone)
        remove(gone)


def size_of(path: Path) -> int:
    """Bytes of the blocks that a folder's files take."""
    total = 0
    for place, _, files in os.walk(path):
        for name in files:
            try:
                total += os.lstat(Path(place, name)).st_blocks * 512
            except FileNotFoundError:  # another run has just taken it away
                continue
    return total


def _oldest(folder: ModelFolder, state: State) -> str | None:
    trial = (state.trial.name, state.trial.before) if state.trial else ()
    needed = {current_name(folder), state.previous, state.rollback, *trial}
    return next((kept.name for kept in state.kept if kept.name not in needed), None)
