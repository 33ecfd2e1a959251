"""What the agent's code refuses, told on the host as its own errors are."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from ..errors import InputError, OutputError
from .agent.errors import Refused

__all__ = ["host_error"]


@contextmanager
def host_error() -> Iterator[None]:
    """A `Refused` in the block becomes an InputError, or an OutputError where the disk is the cause."""
    try:
        yield
    except Refused as refused:
        kind = OutputError if refused.kind == "disk" else InputError
        raise kind(refused.where, refused.what, hint=refused.hint) from refused
