"""Keys of a role: added, exchanged, taken away; the threshold.

A change of root is signed by as many as the old root asks for and by as many as the new one does (TUF specification
1.0.31, section 6.1). What a key signed that is taken away is signed anew by the others.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from ...errors import ConfigError, TrustError, nearest
from ..keys import KeyStore
from .authority import delegator_of, names_of
from .edit import Edit, editing
from .names import TARGETS, TOP_LEVEL
from .outcome import Outcome

__all__ = ["add_keys", "revoke", "rotate", "set_threshold"]


def add_keys(
    folder: Path,
    keys: KeyStore,
    role: str,
    names: Sequence[str],
    *,
    threshold: int | None = None,
    at: datetime | None = None,
) -> Outcome:
    """Let these keys, too, sign for the role. threshold: another one, if given."""
    with editing(folder, keys, at) as edit:
        signed = _delegator(edit, role)
        for name in names:
            _add(edit, signed, role, name)
        _set_threshold(signed, role, threshold)
        return edit.settle()


def rotate(folder: Path, keys: KeyStore, role: str, old: str, new: str, *, at: datetime | None = None) -> Outcome:
    """Put the key `new` (made if there is none) in the place of `old` (name, or first digits of its id)."""
    with editing(folder, keys, at) as edit:
        signed = _delegator(edit, role)
        gone = _held(edit, signed, role, old)
        _add(edit, signed, role, new)
        _take(signed, role, gone)
        _set_threshold(signed, role, None)
        return edit.settle()


def revoke(
    folder: Path,
    keys: KeyStore,
    key: str,
    *,
    role: str | None = None,
    threshold: int | None = None,
    at: datetime | None = None,
) -> Outcome:
    """Let a key count no more: in one role, or wherever it counts now.

    Raises ConfigError if fewer keys than its threshold would be left to a role, TrustError if the key counts nowhere.
    """
    with editing(folder, keys, at) as edit:
        roles = [role] if role else _roles_with(edit, key)
        if not roles:
            raise TrustError(str(folder), f"no role has a key '{key}'", hint=f"sepia ship keys list {folder}")
        for one in roles:
            signed = _delegator(edit, one)
            _take(signed, one, _held(edit, signed, one, key))
            _set_threshold(signed, one, threshold)
        return edit.settle()


def set_threshold(folder: Path, keys: KeyStore, role: str, threshold: int, *, at: datetime | None = None) -> Outcome:
    """How many of the role's keys must sign."""
    with editing(folder, keys, at) as edit:
        _set_threshold(_delegator(edit, role), role, threshold)
        return edit.settle()


def _delegator(edit: Edit, role: str) -> Any:
    """To be changed: who says which keys the role has. Raises ConfigError if there is no such role."""
    known = _known(edit)
    if role not in known:
        raise ConfigError(role, f"is no role of {edit.store.folder}", accepted=nearest(role, known))
    return edit.signed(delegator_of(role))


def _known(edit: Edit) -> tuple[str, ...]:
    delegations = edit.newest(TARGETS).delegations
    return (*TOP_LEVEL, *(delegations.roles if delegations is not None else ()))


def _roles_with(edit: Edit, key: str) -> list[str]:
    return [role for role in _known(edit) if _matching(edit, edit.newest(delegator_of(role)), role, key)]


def _matching(edit: Edit, signed: Any, role: str, key: str) -> list[str]:
    """Ids of the role's keys that are called so here, or begin so."""
    keyids = signed.get_delegated_role(role).keyids
    named = [keyid for keyid in keyids if edit.keys.named(keyid) == key]
    return named or [keyid for keyid in keyids if len(key) >= 8 and keyid.startswith(key)]


def _held(edit: Edit, signed: Any, role: str, key: str) -> str:
    found = _matching(edit, signed, role, key)
    if len(found) != 1:
        have = ", ".join(names_of(signed.get_delegated_role(role).keyids, edit.keys))
        raise ConfigError(role, f"has no key '{key}'", accepted=have)
    return found[0]


def _add(edit: Edit, signed: Any, role: str, name: str) -> None:
    key = edit.keys.public(name) if name in edit.keys.names() else edit.keys.new(name)
    if key.keyid in signed.get_delegated_role(role).keyids:
        raise ConfigError(role, f"has the key '{name}' already")
    signed.add_key(key, role)


def _take(signed: Any, role: str, keyid: str) -> None:
    signed.revoke_key(keyid, role)


def _set_threshold(signed: Any, role: str, threshold: int | None) -> None:
    found = signed.get_delegated_role(role)
    found.threshold = found.threshold if threshold is None else threshold
    if not 1 <= found.threshold <= len(found.keyids):
        raise ConfigError(
            role,
            f"a threshold of {found.threshold} of {len(found.keyids)} keys",
            accepted=f"1 to {len(found.keyids)}" if found.keyids else "at least one key",
            hint="add a key first, or give another --threshold",
        )
