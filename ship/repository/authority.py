"""Who may sign what: the keys and the threshold that one metadata gives to another.

Root names those of the four top-level roles, targets those of each channel (TUF specification 1.0.31, section 4).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..keys import KeyStore
from .names import ROOT, TARGETS, TOP_LEVEL

if TYPE_CHECKING:
    from tuf.api.metadata import Metadata

__all__ = ["Verdict", "delegator_of", "names_of", "sign", "verdict"]


@dataclass(frozen=True)
class Verdict:
    """signed: keys whose signature is right. missing: how many more it takes. others: keys that may still sign."""

    signed: frozenset[str]
    missing: int
    others: frozenset[str]


def delegator_of(role: str) -> str:
    return ROOT if role in TOP_LEVEL else TARGETS


def verdict(delegator: Metadata[Any] | None, role: str, metadata: Metadata[Any]) -> Verdict | None:
    """None: the delegator says nothing of this role."""
    if delegator is None:
        return None
    try:
        found = delegator.signed.get_verification_result(role, metadata.signed_bytes, metadata.signatures)
    except ValueError:
        return None
    return Verdict(frozenset(found.signed), found.missing, frozenset(found.unsigned))


def sign(metadata: Metadata[Any], role: str, delegators: Iterable[Metadata[Any] | None], keys: KeyStore) -> None:
    """Add the signatures that each delegator's threshold still lacks, of keys that are here.

    No more than that: each may cost its owner a passphrase.
    """
    for delegator in delegators:
        while (found := verdict(delegator, role, metadata)) is not None and found.missing:
            name = keys.readiest(found.others)
            if name is None:
                break
            metadata.sign(keys.signer(name), append=True)


def names_of(keyids: Iterable[str], keys: KeyStore) -> tuple[str, ...]:
    """What they are called here; the first of their digits where they have no name."""
    return tuple(sorted(keys.named(keyid) or keyid[:12] for keyid in keyids))
