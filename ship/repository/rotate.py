"""Keys that come and go, and signatures that are renewed: rotation, revocation, expiry."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from tuf.api.metadata import Root, Targets

from ...errors import ConfigError
from ..keys import KeyStore
from .change import Change, Waiting, changing, now_utc
from .roles import ONLINE, TOP

__all__ = ["renew", "revoke", "rotate"]

Now = Callable[[], datetime]


def rotate(
    path: Path,
    keys: KeyStore,
    role: str,
    *,
    add: Sequence[str] = (),
    drop: Sequence[str] = (),
    threshold: int | None = None,
    now: Now = now_utc,
) -> tuple[Waiting, ...]:
    """Other keys for a role: `add` and `drop` are names in `keys`. threshold: as before by default.

    A root is signed by the threshold of the old and of the new one (TUF 1.0, section 6.1); a model's role by targets.
    What the role had signed is signed again by its new keys. Raises ConfigError (no such role, too few keys) and as
    `changing`.
    """
    with changing(path, keys, now) as change:
        delegator = change.edit("root" if role in TOP else "targets")
        record = _record(delegator, role)
        for name in drop:
            keyid = keys.key(name).keyid
            if keyid not in record.keyids:
                raise ConfigError(f"role {role}", f"has no key '{name}'", accepted=_names(keys, record.keyids))
            delegator.revoke_key(keyid, role)
        for name in add:
            delegator.add_key(keys.key(name).public, role)
        record.threshold = threshold or record.threshold
        _refuse_too_few(role, record)
        _sign_again(change, role)
        return change.commit()


def revoke(path: Path, keys: KeyStore, name: str, *, now: Now = now_utc) -> tuple[Waiting, ...]:
    """Take a key out of every role that it has, and sign again what it signed.

    Raises ConfigError if it has none, or if a role would have fewer keys than its threshold: `rotate` a new one in.
    """
    keyid = keys.key(name).keyid
    with changing(path, keys, now) as change:
        held = [(parent, role) for parent in ("root", "targets") for role in _roles_with(change, parent, keyid)]
        if not held:
            raise ConfigError(str(path), f"no role has the key '{name}'")
        for parent, role in held:
            delegator = change.edit(parent)
            delegator.revoke_key(keyid, role)
            _refuse_too_few(role, _record(delegator, role))
            _sign_again(change, role)
        return change.commit()


def renew(path: Path, keys: KeyStore, *, within_days: float = 30, now: Now = now_utc) -> tuple[Waiting, ...]:
    """Sign snapshot and timestamp anew, and whatever else expires within so many days.

    For a job that runs every day. What needs a key that is not here waits for it.
    """
    with changing(path, keys, now) as change:
        targets: Targets = change.see("targets").signed
        delegated = list(targets.delegations.roles or ()) if targets.delegations else []
        until = change.now + timedelta(days=within_days)
        for role in ("root", "targets", *delegated):
            if change.see(role).signed.expires.replace(tzinfo=UTC) < until:
                change.edit(role)
        return change.commit()


def _sign_again(change: Change, role: str) -> None:
    """The role's own metadata under its new keys; those signed with every change are, anyway."""
    if role not in ONLINE:
        change.edit(role)


def _roles_with(change: Change, parent: str, keyid: str) -> list[str]:
    signed = change.see(parent).signed
    roles: dict[str, Any] = signed.roles if isinstance(signed, Root) else (_delegations(signed).roles or {})
    return [role for role, record in roles.items() if keyid in record.keyids]


def _record(delegator: Any, role: str) -> Any:
    roles = delegator.roles if isinstance(delegator, Root) else (_delegations(delegator).roles or {})
    if role not in roles:
        raise ConfigError(f"role {role}", "is not there", accepted=", ".join([*TOP, "MODEL.CHANNEL"]))
    return roles[role]


def _delegations(targets: Targets) -> Any:
    return targets.delegations


def _refuse_too_few(role: str, record: Any) -> None:
    if not 1 <= record.threshold <= len(record.keyids):
        what = f"would take {record.threshold} signatures and have {len(record.keyids)} keys"
        raise ConfigError(f"role {role}", what, hint=f"sepia ship keys rotate --role {role} --add NEW --drop OLD")


def _names(keys: KeyStore, keyids: Sequence[str]) -> str:
    return ", ".join(key.name for key in keys.keys() if key.keyid in keyids)  # noqa: SIM118 - a folder of keys is no dict
