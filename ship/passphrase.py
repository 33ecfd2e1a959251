"""Where the passphrase of a key comes from: a file, or the terminal; never the command line, which others can read."""

from __future__ import annotations

import getpass
import os
import sys
from pathlib import Path

from ..errors import ConfigError

__all__ = ["FILE_VARIABLE", "ask", "ask_new"]

FILE_VARIABLE = "SEPIA_SHIP_PASSPHRASE_FILE"
"""Environment variable: a file whose first line is the passphrase."""

_LEAST = 8


def ask(what: str) -> bytes:
    """The passphrase of an existing key; what: for the question. Raises ConfigError where there is nobody to ask."""
    given = _from_file()
    return given if given is not None else _typed(f"Passphrase of {what}: ")


def ask_new(what: str) -> bytes:
    """A new one, typed twice. Raises ConfigError if the two differ, it is too short, or there is nobody to ask."""
    given = _from_file()
    if given is None:
        given = _typed(f"New passphrase of {what}: ")
        if _typed("The same again: ") != given:
            raise ConfigError("passphrase", "the two are not the same", hint="run the same command again")
    if len(given) < _LEAST:
        raise ConfigError("passphrase", f"has {len(given)} bytes", accepted=f"{_LEAST} or more")
    return given


def _from_file() -> bytes | None:
    name = os.environ.get(FILE_VARIABLE)
    if not name:
        return None
    try:
        return Path(name).read_bytes().splitlines()[0]
    except (OSError, IndexError) as error:
        reason = getattr(error, "strerror", None) or "it is empty"
        raise ConfigError(FILE_VARIABLE, f"{name} gives no passphrase ({reason})") from error


def _typed(question: str) -> bytes:
    if not sys.stdin.isatty():
        hint = f"run it on a terminal, or name a file in {FILE_VARIABLE}"
        raise ConfigError("passphrase", "there is nobody to ask", hint=hint)
    return getpass.getpass(question, sys.stderr).encode()
