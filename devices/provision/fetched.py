"""Wheels fetched by pip for another machine's Python, and unpacked here once: the next time from the cache."""

from __future__ import annotations

import fcntl
import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from ...errors import BoardError, InputError, RuntimeUnavailable
from ...files import digest, write_text

__all__ = ["NoSuchWheel", "kept", "pip_install"]

_UNREACHED = (
    "ConnectTimeout",
    "ConnectionError",
    "NewConnectionError",
    "ProxyError",
    "ReadTimeout",
    "Temporary failure in name resolution",
)
_DEADLINE_S = 900.0


class NoSuchWheel(BoardError):
    """The package index was reached, and has none that fits."""


def kept(folder: Path, make: Callable[[Path], Iterable[str]]) -> dict[str, str]:
    """Name → SHA-256 of the files that count in `folder`, which is made anew unless it is whole.

    make: fills an empty folder beside it and gives those names; one process or thread at a time, and renamed when it
    is done.
    """
    with _locked(folder.with_name(f".{folder.name}.lock")):
        if not _whole(folder):
            _make(folder, make)
        return _listed(folder)


def pip_install(target: Path, wanted: Sequence[str], options: Sequence[str]) -> None:
    """pip resolves, fetches, checks the index' digests and unpacks; it runs nothing of what it unpacks.

    options: which Python and platform it is for. Raises NoSuchWheel, RuntimeUnavailable (no pip here), BoardError.
    """
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input"]
    command += ["--retries", "2"]  # without one it does not tell an index that was not reached from one without a wheel
    command += ["--target", str(target), "--only-binary", ":all:", "--no-compile", *options]
    try:
        done = subprocess.run([*command, *wanted], capture_output=True, text=True, timeout=_DEADLINE_S, check=False)
    except subprocess.TimeoutExpired as error:
        raise BoardError(
            wanted[0], f"was not fetched within {_DEADLINE_S:g} s", hint="is the network here slow?"
        ) from error
    if done.returncode:
        raise _not_fetched(wanted[0], done.stderr)


def _make(folder: Path, make: Callable[[Path], Iterable[str]]) -> None:
    """Into a folder of another name, renamed when it is whole."""
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".partial-") as partial:
        made = Path(partial) / folder.name
        made.mkdir()
        described = {name: digest(made / name) for name in make(made)}
        write_text(made.with_suffix(".json"), json.dumps(described, indent=0) + "\n")
        shutil.rmtree(folder, ignore_errors=True)
        made.rename(folder)
        made.with_suffix(".json").rename(_record(folder))


def _record(folder: Path) -> Path:
    return folder.with_name(f"{folder.name}.json")


def _listed(folder: Path) -> dict[str, str]:
    found: dict[str, str] = json.loads(_record(folder).read_text(encoding="utf-8"))
    return found


def _whole(folder: Path) -> bool:
    """Hashed each time: a spoilt cache would else be pushed with its faults, whose digests would be right there."""
    try:
        listed = _listed(folder)
        return bool(listed) and all(digest(folder / name) == sha for name, sha in listed.items())
    except (OSError, ValueError, InputError):
        return False


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """One process or thread at a time; the lock ends with the process."""
    path.parent.mkdir(parents=True, exist_ok=True)
    until = time.monotonic() + 2 * _DEADLINE_S
    with path.open("w") as file:
        while not _taken(file.fileno()):
            if time.monotonic() > until:
                raise BoardError(str(path), "another process has been fetching all the time", hint="look what holds it")
            time.sleep(0.1)
        yield


def _taken(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _not_fetched(what: str, said: str) -> Exception:
    lines = [line.removeprefix("ERROR: ") for line in said.splitlines() if line.startswith("ERROR: ")]
    if "No module named pip" in said:
        hint = "python3 -m ensurepip, or the package python3-pip"
        return RuntimeUnavailable("pip", f"is not installed here, and fetches {what} for the board", hint=hint)
    if any(word in said for word in _UNREACHED):
        return BoardError(
            what, "cannot be fetched: the package index was not reached", hint="is the network up here? pip config list"
        )
    reason = lines[-1] if lines else "pip gave no reason"
    missing = "No matching distribution" in said or "Could not find a version" in said
    kind = NoSuchWheel if missing else BoardError
    return kind(what, f"cannot be fetched: {reason}", hint="'sepia devices show PROFILE' lists what has wheels")
