"""What opens a key: typed in, or read from a file that a variable names. Never on a command line: others see that."""

from __future__ import annotations

import getpass
import os
import sys
from collections.abc import Callable
from pathlib import Path

from ..errors import TrustError

__all__ = ["LEAST", "VARIABLE", "Passphrase", "ask", "none"]

VARIABLE = "SEPIA_SHIP_PASSPHRASE_FILE"
"""Environment variable: a file whose first line is the passphrase of every key that is opened or made."""

LEAST = 8
"""Characters of a new passphrase."""

Passphrase = Callable[[str, bool], bytes | None]
"""(whose: the key's name; new: whether it is to be chosen) → the passphrase; None: the key is kept without one."""


def ask(whose: str, new: bool) -> bytes | None:
    """From the file that `VARIABLE` names, else typed in at the terminal; twice if it is new.

    Raises TrustError where there is neither, for a file that can't be used, and for a new one that is too short.
    """
    file = os.environ.get(VARIABLE)
    given = _from_file(Path(file)) if file else _typed(whose, new)
    if new and len(given) < LEAST:
        raise TrustError(f"key '{whose}'", f"a passphrase of {len(given)} characters", accepted=f"{LEAST} or more")
    return given.encode()


def none(whose: str, new: bool) -> bytes | None:
    """No passphrase: whoever can read the key's file can sign with it."""
    return None


def _from_file(path: Path) -> str:
    try:
        with path.open(encoding="utf-8") as file:
            given = file.readline().rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is no text"
        raise TrustError(f"{VARIABLE}={path}", f"cannot be read ({reason})") from error
    if not given:
        raise TrustError(f"{VARIABLE}={path}", "its first line is empty", accepted="the passphrase in it")
    return given


def _typed(whose: str, new: bool) -> str:
    if not sys.stdin.isatty():
        hint = f"run it at a terminal, or name a file that holds the passphrase in {VARIABLE}"
        raise TrustError(f"key '{whose}'", "its passphrase is needed, and there is nobody to ask", hint=hint)
    question = f"New passphrase, of '{whose}' and what else is made now: " if new else f"Passphrase of '{whose}': "
    given = getpass.getpass(question, sys.stderr)
    if new and getpass.getpass("Once more: ", sys.stderr) != given:
        raise TrustError(f"key '{whose}'", "the two passphrases are not the same", hint="run the same command again")
    return given
