"""Which version runs: one symlink, `current`, that changes in one rename."""

from __future__ import annotations

import stat

from .durable import point, remove
from .errors import Refused
from .layout import VERSIONS, ModelFolder, split_name

__all__ = ["current_name", "switch_to"]


def current_name(folder: ModelFolder) -> str | None:
    """Name of the version that `current` points to, whether it lies there or not; None if it points to none of ours.

    Raises Refused of kind "layout" where a folder stands in the symlink's place: nobody but a hand puts it there.
    """
    try:
        if stat.S_ISDIR(folder.current.lstat().st_mode):
            what = "is a folder; a symlink belongs here"
            raise Refused(str(folder.current), what, kind="layout", hint="move it away")
        to = folder.current.readlink()
    except OSError:
        return None
    known = len(to.parts) == 2 and to.parts[0] == VERSIONS and split_name(to.name)
    return to.name if known else None


def switch_to(folder: ModelFolder, name: str | None) -> None:
    """Let `current` be versions/<name>, or nothing. An application sees the old or the new, at every moment."""
    if name is None:
        remove(folder.current)
    else:
        point(folder.current, f"{VERSIONS}/{name}")
