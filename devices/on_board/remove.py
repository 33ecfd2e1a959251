"""Remove folders below ~/.sepia, and the leftovers of interrupted pushes into them.

Arguments: names (folders inside ~/.sepia, "" for all of it). Answer: {"bytes", "files"} that were there.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import sys
from typing import Any


def home() -> str:
    return os.path.realpath(os.path.join(os.path.expanduser("~"), ".sepia"))


def inside(name: str) -> str:
    path = os.path.realpath(os.path.join(home(), name))
    if path != home() and not path.startswith(home() + os.sep):
        raise ValueError("{} is not inside {}".format(name, home()))
    return path


def leftovers(path: str) -> list[str]:
    """A push into `path` that was cut off lies beside it."""
    parent, name = os.path.split(path)
    return [os.path.join(parent, "." + name + ending) for ending in (".partial", ".old", ".removed")]


def removed(path: str) -> tuple[int, int]:
    """Bytes and number of the files that were below it."""
    sizes = [os.lstat(os.path.join(root, name)).st_size for root, _, names in os.walk(path) for name in names]
    if os.path.isdir(path):
        shutil.rmtree(path)
    return sum(sizes), len(sizes)


def set_aside(path: str) -> None:
    """Under another name: nobody takes half a folder for a whole one, and the next run finds it if this one is cut."""
    parent, name = os.path.split(path)
    if os.path.isdir(path):
        os.rename(path, os.path.join(parent, "." + name + ".removed"))


def without_empty(folder: str) -> None:
    """Remove the folders above it, up to ~/.sepia, that nothing is left in."""
    with contextlib.suppress(OSError):
        while folder.startswith(home()):
            os.rmdir(folder)
            folder = os.path.dirname(folder)


def remove(names: list[str]) -> dict[str, Any]:
    found = []
    for path in map(inside, names):
        found += [removed(left) for left in leftovers(path)]
        set_aside(path)
        found += [removed(left) for left in leftovers(path)]
        without_empty(os.path.dirname(path))
    return {"bytes": sum(size for size, _ in found), "files": sum(count for _, count in found)}


def main() -> int:
    arguments = json.loads(sys.stdin.buffer.readline())
    try:
        said, code = remove(arguments["names"]), 0
    except OSError as error:
        reason = error.strerror or str(error)
        said, code = {"error": "cannot remove {} ({})".format(error.filename or home(), reason)}, 1
    except ValueError as error:
        said, code = {"error": "cannot be removed: {}".format(error)}, 1
    print(json.dumps(said))
    return code


if __name__ == "__main__":
    sys.exit(main())
