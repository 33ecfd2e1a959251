"""Remove folders below ~/.sepia, and the leftovers of interrupted pushes into them.

Arguments: names (folders inside ~/.sepia, "" for all of it). Answer: {"bytes", "files"} that were there.
"""

from __future__ import annotations

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
    return [os.path.join(parent, "." + name + ending) for ending in (".partial", ".old")]


def removed(path: str) -> tuple[int, int]:
    sizes = [os.lstat(os.path.join(root, name)).st_size for root, _, names in os.walk(path) for name in names]
    if os.path.isdir(path):
        # Under another name first: nobody takes half a folder for a whole one.
        going = path + ".removed"
        os.rename(path, going)
        shutil.rmtree(going)
    return sum(sizes), len(sizes)


def remove(names: list[str]) -> dict[str, Any]:
    paths = [path for name in names for path in (inside(name), *leftovers(inside(name)))]
    found = [removed(path) for path in paths]
    return {"bytes": sum(size for size, _ in found), "files": sum(count for _, count in found)}


def main() -> int:
    arguments = json.loads(sys.stdin.buffer.readline())
    try:
        said, code = remove(arguments["names"]), 0
    except (OSError, ValueError) as error:
        said, code = {"error": "cannot be removed: {}".format(error)}, 1
    print(json.dumps(said))
    return code


if __name__ == "__main__":
    sys.exit(main())
