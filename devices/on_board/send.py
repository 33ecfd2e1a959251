"""Send files: the bytes of all, one after another, then on a line of its own the size and digest of each.

Arguments: {"folder": path ("~" is the home folder), "names": [path inside it, …]}. Each is read once, so size and
digest are of the bytes that were sent, whatever happens to the file meanwhile.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
from typing import Any, BinaryIO

PIECE = 1 << 20


def sent(folder: str, name: str, out: BinaryIO) -> dict[str, Any]:
    found, size = hashlib.sha256(), 0
    with open(os.path.join(folder, name), "rb") as file:
        for piece in iter(lambda: file.read(PIECE), b""):
            out.write(piece)
            found.update(piece)
            size += len(piece)
    return {"name": name, "bytes": size, "sha256": found.hexdigest()}


def main() -> int:
    arguments = json.loads(sys.stdin.buffer.readline())
    folder, out, code = os.path.expanduser(arguments["folder"]), sys.stdout.buffer, 0
    try:
        answer: dict[str, Any] = {"files": [sent(folder, name, out) for name in arguments["names"]]}
    except OSError as error:
        reason = error.strerror or str(error)
        answer, code = {"error": "{} cannot be read ({})".format(error.filename or "a file", reason)}, 1
    out.write(b"\n" + json.dumps(answer).encode() + b"\n")
    out.flush()
    return code


if __name__ == "__main__":
    sys.exit(main())
