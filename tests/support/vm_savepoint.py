"""The memory of a virtual board, saved before it has seen its disk: from there each power-on takes a second.

The machine is booted once, loads what its agent will need, lets go of its second disk (the driver is unbound, so that
nothing of it is in memory) and is saved by qemu's migration to a file. What it reads from the disk after that, it reads
from the disk.
"""

from __future__ import annotations

import json
import socket
import time
from pathlib import Path
from typing import Any

__all__ = ["save_memory"]

_SAVED_WITHIN_S = 60.0


def save_memory(control: Path, into: Path) -> None:
    """Of the machine whose qemu answers at the socket `control` (QMP): its memory and devices, in the file `into`.

    The machine stands still afterwards. Raises OSError if qemu fails or takes longer than a minute.
    """
    with socket.socket(socket.AF_UNIX) as link:
        link.settimeout(_SAVED_WITHIN_S)
        link.connect(str(control))
        with link.makefile("rw", encoding="utf-8") as talk:
            talk.readline()  # qemu's greeting
            _execute(talk, "qmp_capabilities")
            _execute(talk, "migrate-set-parameters", **{"max-bandwidth": 1 << 34})
            _execute(talk, "migrate", uri=f"exec:cat > {into}")
            until = time.monotonic() + _SAVED_WITHIN_S
            while (status := _execute(talk, "query-migrate")["status"]) != "completed":
                if status == "failed" or time.monotonic() > until:
                    raise OSError(f"the machine's memory could not be saved: {status}")
                time.sleep(0.05)


def _execute(talk: Any, command: str, **arguments: object) -> dict[str, Any]:
    talk.write(json.dumps({"execute": command, "arguments": arguments}) + "\n")
    talk.flush()
    while True:
        answer = json.loads(talk.readline())
        if "error" in answer:
            raise OSError(f"qemu: {command}: {answer['error']['desc']}")
        if "return" in answer:
            return dict(answer["return"])
