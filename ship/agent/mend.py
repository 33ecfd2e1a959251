"""Files of what is current that are no longer what their manifest says: told, and put right from the repository."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

from .archive import digest, verify
from .durable import make_folder, move, remove, sync_folder, told
from .errors import Refused
from .layout import ModelFolder
from .manifest import Manifest
from .paths import MANIFEST
from .state import State, write_state

__all__ = ["look", "mend"]


def look(folder: ModelFolder, name: str, sha256: str) -> str:
    """What is wrong with the files of a version, "" if nothing is. sha256: of its bundle, "" if it is not known.

    Every byte is read: the manifest's own by making the bundle again.
    """
    try:
        found = digest(folder.version(name)) if sha256 else ""
        if not sha256:
            verify(folder.version(name))
    except Refused as refused:
        return str(refused)
    if found != sha256:
        return f"{folder.version(name)}: makes the bundle {found[:12]}, which was {sha256[:12]} when it came"
    return ""


def mend(folder: ModelFolder, state: State, whole: Path, manifest: Manifest, sha256: str) -> State:
    """Replace the files of what is current one by one by those of `whole`, an unpacked folder of the same bundle.

    Each in one rename, so that a cut leaves no file worse than it was. An application that holds one open sees the
    new one when it opens it again.
    """
    name = whole.name
    place = folder.version(name)
    for path in (*(file.path for file in manifest.files), MANIFEST):
        _replace_file(whole / path, place / path, place)
    _remove_others(place, {MANIFEST, *(file.path for file in manifest.files)})
    reason = look(folder, name, sha256)
    if reason:
        raise Refused(str(place), f"could not be put right: {reason}", kind="disk", hint="look at the disk")
    kept = tuple(replace(entry, sha256=sha256) if entry.name == name else entry for entry in state.kept)
    state = replace(state, spoilt="", kept=kept)
    write_state(folder.state, state)
    return state


def _replace_file(new: Path, old: Path, top: Path) -> None:
    for folder in reversed(old.relative_to(top).parents[:-1]):
        place = top / folder
        if place.is_symlink() or (place.exists() and not place.is_dir()):
            remove(place)
        make_folder(place)
    if old.is_dir() and not old.is_symlink():
        remove(old)
    move(new, old)


def _remove_others(place: Path, declared: set[str]) -> None:
    with told(place):
        for inside, folders, files in os.walk(place, topdown=False):
            here = Path(inside)
            for name in (*files, *folders):
                path = here / name
                relative = path.relative_to(place).as_posix()
                needed = relative in declared or any(other.startswith(f"{relative}/") for other in declared)
                if not needed or path.is_symlink():
                    remove(path)
        sync_folder(place)
