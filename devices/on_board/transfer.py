"""Take bytes and check their digest. Nothing is stored.

Arguments: {"bytes", "sha256"}. Payload: the bytes. Answer: {"seconds": from the first byte to the last}.
"""

from __future__ import annotations

import hashlib
import json
import sys
import time
from typing import Any, Dict

PIECE = 1 << 16


def taken(wanted: int, digest: str) -> Dict[str, Any]:
    found, count, began = hashlib.sha256(), 0, 0.0
    while count < wanted:
        piece = sys.stdin.buffer.read(min(PIECE, wanted - count))
        if not piece:
            return {"error": "{} of {} bytes came".format(count, wanted), "hint": "is the link steady?"}
        began = began or time.monotonic()
        found.update(piece)
        count += len(piece)
    seconds = time.monotonic() - began
    if found.hexdigest() != digest:
        return {"error": "what came is not what was sent: its digest is another", "hint": "is its memory sound?"}
    return {"seconds": seconds}


if __name__ == "__main__":
    arguments = json.loads(sys.stdin.buffer.readline())
    print(json.dumps(taken(arguments["bytes"], arguments["sha256"])))
