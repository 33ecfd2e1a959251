"""What the agent's code refuses, told on the host as its own errors are."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from ..errors import InputError, OutputError, SepiaError, TrustError
from .agent.errors import Refused

__all__ = ["host_error"]

_TRUST = frozenset(
    {"expired", "metadata", "mixed", "not allowed", "pointer", "rollback", "signature", "threshold", "trust"}
)
_KINDS: dict[str, type[SepiaError]] = {"disk": OutputError, **dict.fromkeys(_TRUST, TrustError)}


@contextmanager
def host_error() -> Iterator[None]:
    """A `Refused` in the block becomes a TrustError where a repository is the cause, an OutputError where the disk is.

    Else an InputError.
    """
    try:
        yield
    except Refused as refused:
        raise _KINDS.get(refused.kind, InputError)(refused.where, refused.what, hint=refused.hint) from refused
