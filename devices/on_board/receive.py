"""Receive files into one folder: all of them, each with the right digest, or none.

Arguments: folder (absolute, or from "~"), files (name → [bytes, SHA-256, mode]), coming (names, in the order of the
payload), verify (what is there is read and hashed, not only looked at), patience (s: to wait for another who fills the
same folder). Payload: the bytes of the files in `coming`, one after another.

Without "coming" nothing is written: the answer says what is needed. {"folder", "whole", "here": names that need not be
sent, "free_bytes", "free_files"}. With it: {"folder", "whole": true, "received": bytes}, or {"again": true} where what
was said to be here has gone meanwhile.

The files are gathered in `.<name>.partial` beside the folder, brought to the disk, and renamed. Whatever fails, that is
removed again; after a power cut it stays, and the next run takes from it what is whole.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import hashlib
import json
import os
import select
import shutil
import signal
import stat
import sys
import time
from typing import Any, Iterator, Optional

MANIFEST = ".sepia.json"
PIECE = 1 << 20
SILENCE = 30.0  # s: the link was cut, and this system may not know
FEW = 16  # files: for more, one sync of the whole system is quicker than a wait for each

Files = dict[str, list[Any]]
"""Name, with "/" between folders → [bytes, SHA-256 in hex, mode]."""

HINTS = {
    errno.ENOSPC: "free some space there, then run the same command again",
    errno.EDQUOT: "free some space there, then run the same command again",
    errno.EROFS: "is its card locked or worn out? Make it writable, then run the same command again",
    errno.EACCES: "make it writable for the user who logs in, or log in as another",
    errno.EIO: "its card may be worn out: look at 'dmesg'",
}


class Refused(Exception):
    """What is wrong, and what next."""


# --- what is here ---------------------------------------------------------------------------------------------------


def look(folder: str, files: Files, verify: bool) -> dict[str, Any]:
    complete = whole(folder, files, verify)
    here = list(files) if complete else [name for name in files if source_of(folder, name, files[name])]
    disk = os.statvfs(existing(folder))
    return {
        "folder": folder,
        "whole": complete,
        "here": here,
        "free_bytes": disk.f_bavail * disk.f_frsize,
        "free_files": disk.f_favail if disk.f_files else None,  # some file systems do not count them
    }


def existing(folder: str) -> str:
    """The folder, or the nearest above it that is there."""
    while not os.path.isdir(folder):
        folder = os.path.dirname(folder)
    return folder


def whole(folder: str, files: Files, verify: bool) -> bool:
    """Whether the folder is what `files` says; its contents are hashed only to verify."""
    try:
        with open(os.path.join(folder, MANIFEST), encoding="utf-8") as file:
            if json.load(file) != files:
                return False
    except (OSError, ValueError):
        return False
    fits = is_right if verify else has_size
    return all(fits(os.path.join(folder, name), files[name]) for name in files)


def source_of(folder: str, name: str, known: list[Any]) -> Optional[str]:
    """A file that holds these bytes already: left by a power cut, or in the folder that will be replaced."""
    candidates = (os.path.join(place, name) for place in (partial_of(folder), folder))
    return next((path for path in candidates if is_right(path, known)), None)


def has_size(path: str, known: list[Any]) -> bool:
    try:
        found = os.lstat(path)
    except OSError:
        return False
    return stat.S_ISREG(found.st_mode) and found.st_size == known[0]


def is_right(path: str, known: list[Any]) -> bool:
    try:
        return has_size(path, known) and digest(path) == known[1]
    except OSError:  # a worn card may refuse to read it
        return False


def digest(path: str) -> str:
    found = hashlib.sha256()
    with open(path, "rb") as file:
        for piece in iter(lambda: file.read(PIECE), b""):
            found.update(piece)
    return found.hexdigest()


def beside(folder: str, ending: str) -> str:
    parent, name = os.path.split(folder)
    return os.path.join(parent, "." + name + ending)


def partial_of(folder: str) -> str:
    return beside(folder, ".partial")


def old_of(folder: str) -> str:
    return beside(folder, ".old")


# --- receiving ------------------------------------------------------------------------------------------------------


def receive(payload: Input, folder: str, files: Files, coming: list[str], verify: bool) -> dict[str, Any]:
    """With the lock held."""
    partial, old = partial_of(folder), old_of(folder)
    recover(folder, old)
    if whole(folder, files, verify):
        return {"folder": folder, "whole": True, "received": 0}
    try:
        if not gathered(folder, files, coming):
            return {"again": True}
        for name in coming:
            take(payload, os.path.join(partial, name), files[name])
        finish(partial, files)
        switch(partial, folder, old)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return {"folder": folder, "whole": True, "received": sum(files[name][0] for name in coming)}


@contextlib.contextmanager
def parent_of(folder: str) -> Iterator[None]:
    """Made if it is missing; removed again where that left it empty."""
    parent = os.path.dirname(folder)
    before = existing(parent)
    os.makedirs(parent, exist_ok=True)
    try:
        yield
    finally:
        while parent != before:
            try:
                os.rmdir(parent)
            except OSError:  # something is in it
                break
            parent = os.path.dirname(parent)


@contextlib.contextmanager
def locked(folder: str, patience: float) -> Iterator[None]:
    """One at a time a folder. The lock ends with the process, and its file with the lock."""
    path, until = beside(folder, ".lock"), time.monotonic() + patience
    while True:
        lock = opened(path)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if same(lock, path):
                break
        except BlockingIOError:
            if time.monotonic() > until:
                os.close(lock)
                raise Refused(
                    "somebody else has been filling {} all the time".format(folder), "run it again when they are done"
                ) from None
            time.sleep(0.2)
        os.close(lock)
    try:
        yield
    finally:
        os.unlink(path)
        os.close(lock)


def opened(path: str) -> int:
    while True:
        try:
            return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except FileNotFoundError:  # whoever emptied the folder took it away
            os.makedirs(os.path.dirname(path), exist_ok=True)


def same(lock: int, path: str) -> bool:
    """Whether the file that was locked is still the one of that name: its last owner took it away."""
    try:
        return os.path.samestat(os.fstat(lock), os.stat(path))
    except FileNotFoundError:
        return False


def gathered(folder: str, files: Files, coming: list[str]) -> bool:
    """Whether all but what is coming is in the partial folder, whose every other file and folder is removed."""
    partial = partial_of(folder)
    kept = {name for name in files if name not in set(coming)}
    os.makedirs(partial, exist_ok=True)
    for root, _, names in os.walk(partial):
        for name in names:
            path = os.path.join(root, name)
            if os.path.relpath(path, partial) not in kept:
                os.unlink(path)
    for name in files:
        os.makedirs(os.path.dirname(os.path.join(partial, name)), exist_ok=True)
    return all(brought(source_of(folder, name, files[name]), os.path.join(partial, name)) for name in sorted(kept))


def brought(source: Optional[str], path: str) -> bool:
    if source is None:
        return False
    if source != path:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)
        try:
            os.link(source, path)
        except OSError:  # a file system without links
            shutil.copy2(source, path)
    return True


def take(payload: Input, path: str, known: list[Any]) -> None:
    size, expected, mode = known
    found, left = hashlib.sha256(), size
    with open(path, "wb") as file:
        while left:
            piece = payload.piece(left)
            file.write(piece)
            found.update(piece)
            left -= len(piece)
        os.fchmod(file.fileno(), mode)
    if found.hexdigest() != expected:
        raise Refused("{} came with a wrong digest".format(os.path.basename(path)), "run the same command again")


class Input:
    """What comes through the connection."""

    def __init__(self) -> None:
        self.held = b""

    def line(self) -> bytes:
        found = []
        while b"\n" not in self.held:
            found.append(self.held)
            self.held = self.more()
        end, _, self.held = self.held.partition(b"\n")
        return b"".join([*found, end])

    def piece(self, most: int) -> bytes:
        held = self.held or self.more()
        self.held = held[most:]
        return held[:most]

    def more(self) -> bytes:
        found = os.read(0, PIECE) if select.select([0], [], [], SILENCE)[0] else b""
        if not found:
            raise Refused(
                "the link was cut on the way", "look at its network and power, then run the same command again"
            )
        return found


# --- to the disk ----------------------------------------------------------------------------------------------------


def finish(partial: str, files: Files) -> None:
    with open(os.path.join(partial, MANIFEST), "w", encoding="utf-8") as file:
        json.dump(files, file)
    if len(files) > FEW:
        os.sync()
    for root, _, names in os.walk(partial, topdown=False):
        # Also after a sync, which tells of no error.
        for name in names:
            to_disk(os.path.join(root, name))
        to_disk(root)


def to_disk(path: str) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def switch(partial: str, folder: str, old: str) -> None:
    try:
        if os.path.lexists(folder):
            os.rename(folder, old)
        os.rename(partial, folder)
    finally:
        recover(folder, old)
    to_disk(os.path.dirname(folder))


def recover(folder: str, old: str) -> None:
    """Undo half a switch, all that a power cut can leave of one; remove what a whole one left."""
    if os.path.lexists(old) and not os.path.lexists(folder):
        os.rename(old, folder)
    shutil.rmtree(old, ignore_errors=True)


# --- the program ----------------------------------------------------------------------------------------------------


def answer(payload: Input) -> dict[str, Any]:
    arguments = json.loads(payload.line())
    folder, files = os.path.expanduser(arguments["folder"]), arguments["files"]
    if "coming" not in arguments:
        return look(folder, files, arguments["verify"])
    with parent_of(folder), locked(folder, arguments["patience"]):
        return receive(payload, folder, files, arguments["coming"], arguments["verify"])


def ended(number: int, _: Any) -> None:
    raise SystemExit(128 + number)


def main() -> int:
    for number in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM):
        signal.signal(number, ended)
    try:
        said, code = answer(Input()), 0
    except Refused as refused:
        said, code = {"error": refused.args[0], "hint": refused.args[1]}, 1
    except OSError as error:
        what = "cannot write {}".format(error.filename) if error.filename else "cannot write the files"
        reason = error.strerror or str(error)
        said, code = {"error": "{} ({})".format(what, reason), "hint": HINTS.get(error.errno or 0, "")}, 1
    print(json.dumps(said), flush=True)
    return code


if __name__ == "__main__":
    sys.exit(main())
