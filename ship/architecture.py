"""For which processor a target's programs are built."""

from __future__ import annotations

import platform

from ..devices.inventory import EMULATOR, Inventory
from ..devices.profile import profiles
from ..devices.system import SYSTEMS, System
from ..devices.target import Target
from ..errors import ConfigError

__all__ = ["architecture_of"]


def architecture_of(target: Target) -> str:
    """As `uname -m` says it there: "aarch64", "armv7l", "armv6l", "x86_64".

    A system's name alone does not tell ("bookworm32" is ARMv6 on a Zero): the board's profile does, or that of a board
    in the inventory. Raises ConfigError for a system of which nothing is known.
    """
    return platform.machine() if target.local else _system(target).architecture


def _system(target: Target) -> System:
    known = profiles()
    board = target.board.removesuffix(f".{EMULATOR}")
    if board not in known:
        listed = Inventory().boards().get(board)
        board = listed.profile if listed is not None and listed.profile else board
    if board in known:
        return known[board].system(target.os)
    if target.os in SYSTEMS:
        return SYSTEMS[target.os]
    raise ConfigError(target.name, f"neither the board '{target.board}' nor the system '{target.os}' is known")
