"""Where to measure, as a user names it.

    host                                   this machine
    host-debian12-litert-t4                this machine, one runtime, four threads
    kitchen                                a board of the inventory
    pi4@pi@pi4.local                       a kind of board, at whatever ssh connects to
    pi4@emulator                           that kind of board's core, emulated
    pi4-bookworm32@emulator                … with another of its systems
    pi4-bookworm64-litert-t4@pi4.local     one system, runtime and number of threads

Names of targets, as results show them, are read back: kitchen-bookworm64-litert-t4, pi4.emulator-bookworm64-litert-t1.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Literal

from ..errors import ConfigError, nearest
from ..runtime import runtime_named
from .inventory import EMULATOR, Inventory, checked_destination
from .profile import Profile, profile_named, profiles
from .target import HOST, Target, host
from .wheels import runs

__all__ = ["GRAMMAR", "Place", "parse_place", "split_place"]

GRAMMAR = "host, a name of `sepia devices list`, PROFILE@DESTINATION, PROFILE@emulator"

_PART = r"[a-z0-9][a-z0-9.]*"
_NARROWED = re.compile(
    rf"(?P<board>{_PART})(?:-(?P<system>{_PART})(?:-(?P<runtime>(?!t\d+$){_PART}(?:-(?!t\d+$){_PART})*?))?(?:-t(?P<threads>\d+))?)?"
)
_EMULATED = f".{EMULATOR}"


@dataclass(frozen=True)
class Place:
    """label: first word of the targets measured here. destination: for ssh. text: as the user wrote it.

    profile: None for this machine and where only a probe will tell. system, runtime, threads: None for all or any.
    """

    kind: Literal["host", "ssh", "emulator"]
    label: str
    text: str
    profile: Profile | None = None
    destination: str | None = None
    system: str | None = None
    runtime: str | None = None
    threads: int | None = None


def parse_place(text: str, inventory: Inventory | None = None) -> Place:
    """Read a place. inventory: by default the user's.

    Raises ConfigError: no such board, profile, system or runtime (with the nearest), a runtime that can't run there
    (with the reason and what can), no destination.
    """
    name, at, destination = text.partition("@")
    found = _NARROWED.fullmatch(name)
    if found is None:
        raise ConfigError(text, "is no place to measure at", accepted=GRAMMAR)
    board = found["board"]
    if at and destination != EMULATOR:
        place = _remote(text, board, destination)
    elif at or board.endswith(_EMULATED):
        place = _emulated(text, board if at else board.removesuffix(_EMULATED))
    elif board == HOST:
        place = Place("host", HOST, text)
    else:
        place = _listed(text, board, inventory or Inventory())
    threads = int(found["threads"]) if found["threads"] else None
    return _checked(replace(place, system=found["system"], runtime=found["runtime"], threads=threads))


def split_place(text: str) -> tuple[str, str | None]:
    """What to write into the inventory, destination and profile: PROFILE@DESTINATION, or DESTINATION alone.

    Raises ConfigError: no destination, or the emulator, which needs no name of its own.
    """
    name, at, rest = text.partition("@")
    if not at or name not in profiles():
        return checked_destination(text, where=text), None
    if rest == EMULATOR:
        raise ConfigError(text, "needs no name of its own", hint=f"use it as it is: --target {text}")
    return checked_destination(rest, where=text), name


def _remote(text: str, board: str, destination: str) -> Place:
    known = profiles()
    if board not in known:
        raise ConfigError(
            text,
            f"no kind of board is called '{board}'",
            accepted=nearest(board, known),
            hint=f"put it before the destination, like pi4@{text}",
        )
    return Place("ssh", board, text, known[board], checked_destination(destination, where=text))


def _emulated(text: str, board: str) -> Place:
    return Place("emulator", board + _EMULATED, text, profile_named(board))


def _listed(text: str, board: str, inventory: Inventory) -> Place:
    boards = inventory.boards()
    if board in boards:
        listed = boards[board]
        profile = profile_named(listed.profile) if listed.profile else None
        return Place("ssh", board, text, profile, listed.destination)
    if board in profiles():
        raise ConfigError(
            text, f"'{board}' is a kind of board", hint=f"say where it is: {board}@DESTINATION or {board}@emulator"
        )
    raise ConfigError(text, f"no board is called '{board}'", accepted=nearest(board, [*boards, HOST]) + "; " + GRAMMAR)


def _checked(place: Place) -> Place:
    if place.runtime is not None:
        runtime_named(place.runtime)
    if place.threads == 0:
        raise ConfigError(place.text, "cannot run with 0 threads", accepted="1 or more")
    if place.kind == "host":
        _check_host(place)
    if place.kind == "emulator" and place.profile is not None:
        system = place.profile.system(place.system)
        if place.runtime is not None:
            verdict = runs(place.runtime, system.architecture, system.glibc, system.python)
            if not verdict.ok:
                raise ConfigError(place.text, verdict.reason, accepted=verdict.nearest)
    return place


def _check_host(place: Place) -> None:
    """A system that is named must be this machine's."""
    if place.system is None:
        return
    here = host(place.runtime or "litert", place.threads or 1)
    if here.os != place.system:
        asked = Target(HOST, place.system, here.runtime, here.threads)
        raise ConfigError(place.text, f"'{asked}' is not this machine", accepted=f"host, or {here}")
