"""Before anything else: whatever a power cut, a full disk or a hand has left is finished or undone.

Needs no network. Running it twice changes nothing the second time, and it may itself be cut anywhere.
"""

from __future__ import annotations

import os
import time
from dataclasses import replace

from .archive import digest, verify
from .durable import TEMPORARY, make_folder, remove, told
from .errors import Refused
from .layout import Layout, ModelFolder, split_name
from .manifest import read_manifest
from .paths import MANIFEST
from .prune import discard
from .rollback_turn import finish_rollback
from .state import Kept, State, read_state, write_state
from .switch import current_name, switch_to
from .trial import resume
from .work import Work

__all__ = ["recover", "sweep_inboxes"]

INBOX_LASTS_S = 24 * 3600.0
"""What was pushed so long before (or, by a clock that was set back, after) now, and never asked for, is removed."""


def recover(work: Work, folder: ModelFolder) -> State:
    """The model's settled state. The caller holds its lock. Raises Refused if the disk does not let it."""
    make_folder(folder.versions)
    sweep(folder)
    state = known(work, folder)
    state = mend_current(work, folder, state)
    if state.rollback is not None:
        state = finish_rollback(work, folder, state)
    if state.trial is not None:
        state = resume(work, folder, state, state.trial)
    state = forget_missing(folder, state)
    remove_unknown(folder, state)
    return state


def sweep(folder: ModelFolder) -> None:
    """Partial downloads, half-unpacked and half-removed folders, names that were never the last word."""
    with told(folder.path):
        left = [
            *folder.path.glob(f"*{TEMPORARY}"),
            *folder.versions.glob(f"*{TEMPORARY}"),
            *folder.incoming.glob("*"),
        ]
    for path in left:
        remove(path)


def known(work: Work, folder: ModelFolder) -> State:
    """state.json; if it is missing or spoilt, what can be told from the folders that lie here."""
    try:
        state = read_state(folder.state)
    except Refused as refused:
        work.tell(f"{refused}; made again from what lies there")
        return rebuilt(work, folder, str(refused))
    if state is None and not folder.names():
        # Before the first folder comes: one without a state would be taken for a version that has proved itself.
        write_state(folder.state, State())
        return State()
    return state or rebuilt(work, folder, "state.json was not there")


def rebuilt(work: Work, folder: ModelFolder, reason: str) -> State:
    """Each whole folder is a kept version, in the order of their times. What was held or refused is forgotten."""
    current = current_name(folder)
    names = [name for name in folder.names() if name != current]
    kept = [entry for name in names if (entry := _kept(folder, name)) is not None]
    if current is not None and (entry := _kept(folder, current, spoilt=True)) is not None:
        kept.append(entry)
    state = State(kept=tuple(kept), current=current)
    state = replace(state, previous=state.earlier(current)).noting(work.now(), "rebuilt", "", reason)
    write_state(folder.state, state)
    return state


def mend_current(work: Work, folder: ModelFolder, state: State) -> State:
    """`current` is a whole version, or nothing where there is none."""
    name = current_name(folder)
    if name is not None and _looks_whole(folder, name):
        return _accepted(work, folder, state, name)
    whole = _whole(work, folder, state, name)
    if whole is None and name is not None and folder.version(name).is_dir():
        return state  # spoilt, and the only one: `verify` tells, and an update mends it
    if whole is None and not os.path.lexists(folder.current):
        return state
    work.tell(f"{folder.current}: was broken; {whole or 'nothing'} from now on")
    switch_to(folder, whole)
    previous = state.earlier(whole) if state.previous == whole else state.previous
    version = whole and split_name(whole)
    state = replace(state, current=whole, previous=previous, spoilt="")
    state = state.noting(work.now(), "mended", version[0] if version else "", "current was broken")
    write_state(folder.state, state)
    return state


def forget_missing(folder: ModelFolder, state: State) -> State:
    """A kept version whose folder is gone was being removed, or a hand took it."""
    here = set(folder.names())
    kept = tuple(entry for entry in state.kept if entry.name in here)
    if kept == state.kept and (state.previous is None or state.previous in here):
        return state
    state = replace(state, kept=kept)
    if state.previous not in here:
        state = replace(state, previous=state.earlier(current_name(folder)))
    write_state(folder.state, state)
    return state


def remove_unknown(folder: ModelFolder, state: State) -> None:
    """Folders of versions that are neither kept nor on trial."""
    known = {entry.name for entry in state.kept} | {state.trial.name if state.trial else "", current_name(folder)}
    for name in folder.names():
        if name not in known:
            discard(folder, name)


def sweep_inboxes(layout: Layout) -> None:
    with told(layout.inboxes):
        found = list(layout.inboxes.glob("*"))
        old = [path for path in found if abs(time.time() - path.lstat().st_mtime) > INBOX_LASTS_S]
    for path in old:
        remove(path)


def _accepted(work: Work, folder: ModelFolder, state: State, name: str) -> State:
    """What runs, by whatever hand, is known."""
    trial = state.trial
    if state.current == name or state.rollback is not None or (trial is not None and trial.name == name):
        return state
    if state.of(name) is None:
        entry = _kept(folder, name, spoilt=True)
        state = replace(state, kept=(*state.kept, entry) if entry else state.kept)
    previous = state.earlier(name) if state.previous == name else state.previous
    state = replace(state, current=name, previous=previous)
    state = state.noting(work.now(), "found", name, "current was switched by another hand")
    write_state(folder.state, state)
    return state


def _whole(work: Work, folder: ModelFolder, state: State, broken: str | None) -> str | None:
    """The first that is whole to the last byte: what ran, the one before it, then the latest that is not held."""
    late = [entry.name for entry in reversed(state.kept)]
    wanted = [state.current, state.previous, *sorted(late, key=state.holds)]
    for name in dict.fromkeys(wanted):
        if name is not None and name != broken and _fit(work, folder, state, name):
            return name
    return None


def _fit(work: Work, folder: ModelFolder, state: State, name: str) -> bool:
    """Every byte is right; and of a version that is known from its folder alone, so is the self-test."""
    kept = state.of(name)
    try:
        manifest = verify(folder.version(name))
        known = kept is not None and kept.since != ""
        return known or (work.followed(folder.model) is not None and work.test(folder, name, manifest).ok)
    except Refused:
        return False


def _looks_whole(folder: ModelFolder, name: str) -> bool:
    """By the names and lengths of its files: quick enough for each start."""
    place = folder.version(name)
    try:
        manifest = read_manifest((place / MANIFEST).read_bytes())
        return all((place / file.path).lstat().st_size == file.bytes for file in manifest.files)
    except (OSError, Refused):
        return False


def _kept(folder: ModelFolder, name: str, *, spoilt: bool = False) -> Kept | None:
    """Read from a folder. spoilt: whether it counts though it is not whole; its digest is not known then."""
    place = folder.version(name)
    try:
        sha256 = digest(place)
    except Refused:
        sha256 = ""
    if not sha256.startswith((split_name(name) or ("", "?"))[1]):
        sha256 = ""
    try:
        manifest = read_manifest((place / MANIFEST).read_bytes())
    except (OSError, Refused):
        return None
    size = sum(file.bytes for file in manifest.files)
    return Kept(name, manifest.version, sha256, size, "", manifest.target, "") if sha256 or spoilt else None
