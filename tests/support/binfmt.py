"""ARM programs run as if they were this machine's own: qemu-user registered with the kernel (binfmt_misc).

The registration is the whole machine's, so all processes of the tests share it: each holds a lock while it needs it,
and the last one puts everything back.
"""

from __future__ import annotations

import fcntl
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

__all__ = ["registered"]

_ROOM = Path("/proc/sys/fs/binfmt_misc")
_MOUNTED = "sepia mounted binfmt_misc\n"

# Magic and mask as in qemu's scripts/qemu-binfmt-conf.sh. Flag F opens qemu now, so that no root needs a copy of it.
_HANDLERS = {
    "sepia-aarch64": (
        "qemu-aarch64-static",
        rb"\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\xb7\x00",
        rb"\xff\xff\xff\xff\xff\xff\xff\x00\xff\xff\xff\xff\xff\xff\xff\xff\xfe\xff\xff\xff",
    ),
    "sepia-arm": (
        "qemu-arm-static",
        rb"\x7fELF\x01\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\x28\x00",
        rb"\xff\xff\xff\xff\xff\xff\xff\x00\xff\xff\xff\xff\xff\xff\xff\xff\xfe\xff\xff\xff",
    ),
}


@contextmanager
def registered() -> Iterator[None]:
    """While the block runs, this machine runs ARM programs. Raises OSError if the kernel lacks or refuses it."""
    folder = Path(tempfile.gettempdir())
    with (folder / "sepia-binfmt.lock").open("a+") as use:
        # One at a time through the door, coming and going; a shared lock on the file says "in use". A process that is
        # killed lets go of both.
        with _door(folder):
            _register(use)
            fcntl.flock(use, fcntl.LOCK_SH)
        try:
            yield
        finally:
            with _door(folder), suppress(BlockingIOError):
                fcntl.flock(use, fcntl.LOCK_EX | fcntl.LOCK_NB)
                _remove(use)


@contextmanager
def _door(folder: Path) -> Iterator[None]:
    with (folder / "sepia-binfmt.door").open("w") as door:
        fcntl.flock(door, fcntl.LOCK_EX)
        yield


def _register(use: IO[str]) -> None:
    if not (_ROOM / "register").exists():
        subprocess.run(["mount", "-t", "binfmt_misc", "none", str(_ROOM)], check=True, capture_output=True)
        use.write(_MOUNTED)
        use.flush()
    for name, (qemu, magic, mask) in _HANDLERS.items():
        if not (_ROOM / name).exists():
            line = f":{name}:M::".encode() + magic + b":" + mask + f":/usr/bin/{qemu}:POCF".encode()
            (_ROOM / "register").write_bytes(line)


def _remove(use: IO[str]) -> None:
    for name in _HANDLERS:
        with suppress(FileNotFoundError):
            (_ROOM / name).write_text("-1")
    use.seek(0)
    if _MOUNTED in use.read():
        subprocess.run(["umount", str(_ROOM)], check=False, capture_output=True)
    use.truncate(0)
