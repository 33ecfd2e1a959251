"""Fixtures of emulated boards, for `conftest.py`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from sepia.errors import BoardError

from support.arm_board import ArmBoard
from support.needs import lacking, need_programs, need_root

__all__ = ["arm64_board", "arm_board", "armel_board", "armhf_board"]


def started(*arguments: Any, **options: Any) -> ArmBoard:
    """A board that is up, of `ArmBoard`'s arguments; the test ends here if this machine cannot have one."""
    need_root("an emulated board")
    need_programs(
        qemu_aarch64_static="qemu-user-static",
        qemu_arm_static="qemu-user-static",
        ip="iproute2",
        tc="iproute2",
        nsenter="util-linux",
        ssh="openssh-client",
        apt_get="apt",
    )
    try:
        return ArmBoard(*arguments, **options).__enter__()
    except (BoardError, OSError) as error:
        lacking(f"an emulated board cannot be made here ({error})")


@pytest.fixture
def arm_board() -> Iterator[Callable[..., ArmBoard]]:
    """`arm_board("pi4", …)`: a new board of `ArmBoard`'s arguments, the test's own, to be broken as it likes."""
    with ExitStack() as stack:

        def make(*arguments: Any, **options: Any) -> ArmBoard:
            board = started(*arguments, **options)
            stack.push(board)
            return board

        yield make


@pytest.fixture(scope="session")
def arm64_board() -> Iterator[ArmBoard]:
    """A Raspberry Pi 4, 64 bit, of this worker's session. Shared: a test that breaks a board takes `arm_board`."""
    with ExitStack() as stack:
        stack.push(board := started("pi4"))
        yield board


@pytest.fixture(scope="session")
def armhf_board() -> Iterator[ArmBoard]:
    """A Raspberry Pi 3 B+ with a 32-bit system (ARMv7); shared."""
    with ExitStack() as stack:
        stack.push(board := started("pi3bplus"))
        yield board


@pytest.fixture(scope="session")
def armel_board() -> Iterator[ArmBoard]:
    """A Raspberry Pi Zero (ARMv6); shared."""
    with ExitStack() as stack:
        stack.push(board := started("pizero"))
        yield board
