"""What waits for signatures, and for whose."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..keys import KeyStore
from .authority import Verdict, delegator_of, names_of, verdict
from .names import ROOT, SNAPSHOT, TARGETS, TIMESTAMP
from .outcome import Waiting
from .store import Store

if TYPE_CHECKING:
    from tuf.api.metadata import Metadata

__all__ = ["verdicts", "waiting_for"]


def waiting_for(store: Store, keys: KeyStore) -> tuple[Waiting, ...]:
    """Root and targets first: the others may hang on them."""
    held = store.waiting()
    roles = sorted(held, key=lambda role: (role != ROOT, role != TARGETS, role))
    found = [_of(store, keys, role, held) for role in roles]
    blocked = tuple(one.role for one in found if one.missing) or (SNAPSHOT, TIMESTAMP)
    return tuple(
        one if one.missing else Waiting(one.role, one.version, one.path, one.signed, 0, blocked) for one in found
    )


def _of(store: Store, keys: KeyStore, role: str, held: dict[str, Metadata[Any]]) -> Waiting:
    one = held[role]
    views = [found for found in verdicts(store, role, held) if found is not None]
    signed = frozenset[str]().union(*(found.signed for found in views))
    others = frozenset[str]().union(*(found.others for found in views if found.missing))
    return Waiting(
        role,
        one.signed.version,
        store.waiting_path(role),
        names_of(signed, keys),
        _least(views),
        names_of(others, keys),
    )


def verdicts(store: Store, role: str, held: dict[str, Metadata[Any]]) -> list[Verdict | None]:
    """By each metadata that must find enough signatures: of a root the one in force and itself."""
    one, delegator = held[role], delegator_of(role)
    if role == ROOT:
        return [verdict(store.maybe(ROOT), ROOT, one), verdict(one, ROOT, one)]
    return [verdict(held.get(delegator) or store.maybe(delegator), role, one)]


def _least(verdicts: list[Verdict]) -> int:
    """How many people must sign at least: whose key is in the old root and in the new signs for both at once."""
    if len(verdicts) < 2:
        return sum(found.missing for found in verdicts)
    first, second = verdicts
    both = len(first.others & second.others)
    return first.missing + second.missing - min(first.missing, second.missing, both)
