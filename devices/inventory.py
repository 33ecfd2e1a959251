"""The user's boards by the names he gave them: `boards.toml` in the config folder. His comments in it are kept.

[kitchen]
destination = "pi@pi4.local"
profile = "pi4"
"""

from __future__ import annotations

import fcntl
import re
import time
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import tomlkit
from pydantic import BaseModel, ConfigDict, ValidationError, field_validator
from tomlkit.exceptions import TOMLKitError

from ..errors import ConfigError, OutputError, nearest
from ..files import write_text
from .config_folder import config_folder
from .profile import profile_named
from .target import HOST

__all__ = ["EMULATOR", "Board", "Inventory", "checked_destination"]

EMULATOR = "emulator"
"""The destination of a board that is not there."""

_NAME = re.compile(r"[a-z0-9][a-z0-9.]*")
_DESTINATION = re.compile(r"[^\s\x00-\x1f\x7f-]\S*")
_LOCK_SECONDS = 10.0


class Board(BaseModel):
    """destination: whatever ssh takes. profile: the kind of board, None where only a probe will tell."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    destination: str
    profile: str | None = None

    @field_validator("destination")
    @classmethod
    def _is_destination(cls, given: str) -> str:
        if not _DESTINATION.fullmatch(given):
            raise ValueError(f"'{given}' is nothing that ssh can connect to")
        return given


class Inventory:
    """Reads the file at each call, so that what another process wrote is seen."""

    def __init__(self, path: Path | None = None) -> None:
        """path: of `boards.toml`, by default the one in the user's config folder. It need not be there."""
        self.path = path or config_folder() / "boards.toml"

    def boards(self) -> dict[str, Board]:
        """By name, as they stand in the file. Raises ConfigError that names the file and what is wrong."""
        return self._checked(self._text())

    def board(self, name: str) -> Board:
        """Raises ConfigError with the nearest names."""
        known = self.boards()
        if name not in known:
            raise ConfigError(name, "no such board", accepted=nearest(name, known) or "none is there yet", hint=_ADD)
        return known[name]

    def add(self, name: str, destination: str, profile: str | None = None) -> Board:
        """Write a board down. Two who add at once both find theirs there.

        Raises ConfigError (the name is no name or is taken, no such profile, a file that can't be read) and
        OutputError.
        """
        self._check_name(name)
        board = Board(destination=checked_destination(destination, where=name), profile=profile)
        if profile is not None:
            profile_named(profile)
        with self._alone():
            text = self._text()
            if name in self._checked(text):
                raise ConfigError(name, "there is a board of that name", hint=f"sepia devices remove {name}")
            document = tomlkit.parse(text)
            table = tomlkit.table()
            table.update(board.model_dump(exclude_none=True))
            if document:
                document.add(tomlkit.nl())
            document.add(name if "." not in name else tomlkit.key([name]), table)
            write_text(self.path, tomlkit.dumps(document))
        return board

    def remove(self, name: str) -> Board:
        """Forget a board, which is left as it is. Raises ConfigError with the nearest names, and OutputError."""
        with self._alone():
            board = self.board(name)
            write_text(self.path, _without(self._text(), name))
        return board

    def _text(self) -> str:
        try:
            return self.path.read_text(encoding="utf-8")
        except FileNotFoundError:
            return ""
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(str(self.path), f"cannot be read ({error})") from error

    def _checked(self, text: str) -> dict[str, Board]:
        try:
            found = tomllib.loads(text)
            tomlkit.parse(text)
        except (tomllib.TOMLDecodeError, TOMLKitError) as error:
            raise ConfigError(str(self.path), f"is not TOML ({error})", hint="mend it by hand") from error
        return {name: self._board(name, table) for name, table in found.items()}

    def _board(self, name: str, table: object) -> Board:
        try:
            self._check_name(name)
            return Board.model_validate(table)
        except ConfigError as error:
            raise ConfigError(str(self.path), error.what, accepted=error.accepted) from error
        except ValidationError as error:
            fault = error.errors()[0]
            where = ".".join(map(str, (name, *fault["loc"])))
            raise ConfigError(str(self.path), f"{where}: {fault['msg']}", accepted="destination, profile") from error

    @staticmethod
    def _check_name(name: str) -> None:
        if not _NAME.fullmatch(name) or name in (HOST, EMULATOR) or name.endswith(f".{EMULATOR}"):
            raise ConfigError(
                "name", f"a board can't be called '{name}'", accepted="lower-case letters, digits and dots; not host"
            )

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """No other process changes the file meanwhile. The lock is on a file of its own: a rename would lose it."""
        lock = self.path.with_name(f".{self.path.name}.lock")
        with _opened(lock) as file:
            until = time.monotonic() + _LOCK_SECONDS
            while not _taken(file):
                if time.monotonic() > until:
                    raise ConfigError(str(self.path), "another sepia holds it", hint="try again when that one is done")
                time.sleep(0.05)
            yield


_ADD = "sepia devices add NAME PROFILE@DESTINATION"


def checked_destination(text: str, *, where: str) -> str:
    """What ssh can be given as a destination. Raises ConfigError: empty, blanks, or what ssh reads as an option."""
    if not _DESTINATION.fullmatch(text):
        accepted = "a host of ~/.ssh/config, user@host, ssh://user@host:port"
        raise ConfigError(where, f"'{text}' is nothing that ssh can connect to", accepted=accepted)
    return text


def _without(text: str, name: str) -> str:
    """`text` without the table `name`. What is said above the next table is that one's, and stays."""
    expected = tomllib.loads(text)
    del expected[name]
    lines = text.splitlines(keepends=True)
    header = re.compile(rf"""\s*\[\s*(["']?){re.escape(name)}\1\s*\]\s*(#.*)?""")
    begin = next((number for number, line in enumerate(lines) if header.fullmatch(line.rstrip("\r\n"))), None)
    if begin is not None:
        after = (number for number in range(begin + 1, len(lines)) if lines[number].lstrip().startswith("["))
        end = next(after, len(lines))
        while end > begin + 1 and (not lines[end - 1].strip() or lines[end - 1].lstrip().startswith("#")):
            end -= 1
        left = "".join(lines[:begin] + lines[end:])
        if _is(left, expected):
            return left
    # Written in another way: kitchen.destination = …, or as an inline table.
    document = tomlkit.parse(text)
    document.remove(name)
    return tomlkit.dumps(document)


def _is(text: str, expected: object) -> bool:
    try:
        return tomllib.loads(text) == expected
    except tomllib.TOMLDecodeError:
        return False


def _opened(lock: Path) -> IO[bytes]:
    try:
        lock.parent.mkdir(parents=True, exist_ok=True)
        return lock.open("ab")
    except OSError as error:
        raise OutputError(str(lock.parent), f"cannot be written ({error.strerror or error})") from error


def _taken(file: IO[bytes]) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
