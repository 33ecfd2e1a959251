"""Names inside a bundle: relative, plain ASCII, and the same on every file system."""

from __future__ import annotations

import re
from collections.abc import Iterable

from .errors import Refused

__all__ = ["MANIFEST", "refuse_clashes", "refuse_path"]

MANIFEST = "manifest.json"
"""The first entry of a bundle, and in its folder; no declared file may have this name."""

_PART = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._+-]*")
_ACCEPTED = "letters, digits and . _ + - in parts between '/', none of which starts with . + or -"


def refuse_path(where: str, path: str, most: int) -> None:
    """Refuse a name that could lead outside a folder, be hidden, or be read differently elsewhere.

    most: characters. Raises Refused of kind "archive", or "limit" if it is too long.
    """
    told = ascii(path if len(path) <= 80 else path[:77] + "...")
    if len(path) > most:
        raise Refused(where, f"a name of {len(path)} characters ({told}); at most {most} are accepted", kind="limit")
    reason = _reason(path)
    if reason:
        raise Refused(where, f"the name {told} {reason}", kind="archive", hint=f"accepted: {_ACCEPTED}")


def refuse_clashes(where: str, paths: Iterable[str]) -> None:
    """Refuse two names of which a board could keep but one: the same, the same in lower case, a file and a folder.

    Raises Refused of kind "archive".
    """
    files, folders = {MANIFEST: MANIFEST}, dict[str, str]()
    for path in paths:
        if path.lower() in files:
            raise Refused(where, f"{files[path.lower()]!r} and {path!r} are the same name", kind="archive")
        files[path.lower()] = path
        parts = path.split("/")
        for count in range(1, len(parts)):
            folder = "/".join(parts[:count])
            if folders.setdefault(folder.lower(), folder) != folder:
                raise Refused(where, f"{folders[folder.lower()]!r} and {folder!r} are the same name", kind="archive")
    for folded in files.keys() & folders.keys():
        raise Refused(where, f"{files[folded]!r} is a file and a folder", kind="archive")


def _reason(path: str) -> str:
    parts = path.split("/")
    if not path.isascii():
        return "is not ASCII"
    if any(ord(letter) < 32 or ord(letter) == 127 for letter in path):
        return "has a control character"
    if "\\" in path:
        return "has a backslash"
    if path.startswith("/"):
        return "is absolute"
    if ".." in parts:
        return "leads outside the folder"
    if not all(_PART.fullmatch(part) for part in parts):
        return "is not a plain one"
    return ""
