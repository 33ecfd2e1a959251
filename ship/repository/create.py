"""A new repository, and new roles in it: who signs what, and how many of them it takes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path

from tuf.api.metadata import DelegatedRole, Delegations, Root, Targets

from ...errors import ConfigError
from ..keys import KeyStore
from .change import Change, Waiting, changing, now_utc
from .folder import Folder
from .roles import TOP, model_role, paths_of

__all__ = ["create", "delegate"]


def create(
    path: Path,
    keys: KeyStore,
    *,
    roles: Mapping[str, Sequence[str]],
    thresholds: Mapping[str, int] | None = None,
    now: Callable[[], datetime] = now_utc,
) -> tuple[Waiting, ...]:
    """A repository without anything in it. roles: each of TOP → names of keys in `keys`. thresholds: signatures that it
    takes, 1 where none is given. Returns what waits for others' signatures; it is served once nothing does.

    Raises ConfigError (a repository is there, too few keys for a threshold), TrustError (passphrase), OutputError.
    """
    folder = Folder(path)
    with folder.locked():
        if folder.exists():
            raise ConfigError(str(path), "is a repository already", hint="choose another folder")
        root, needed = Root(consistent_snapshot=True), thresholds or {}
        for role in TOP:
            _refuse_too_few(role, roles.get(role, ()), needed.get(role, 1))
            for name in roles[role]:
                root.add_key(keys.key(name).public, role)
            root.roles[role].threshold = needed.get(role, 1)
        change = Change(folder, keys, now())
        change.add("root", root)
        change.add("targets", Targets(delegations=Delegations({}, {})))
        return change.commit()


def delegate(
    path: Path,
    keys: KeyStore,
    model: str,
    channel: str,
    names: Sequence[str],
    *,
    threshold: int = 1,
    now: Callable[[], datetime] = now_utc,
) -> tuple[Waiting, ...]:
    """Let the holders of `names` publish `model` on `channel`, `threshold` of them together, and nothing else.

    Signed by the targets role. Raises ConfigError (it is there already, names) and as `create`.
    """
    role = model_role(model, channel)
    _refuse_too_few(role, names, threshold)
    with changing(path, keys, now) as change:
        targets: Targets = change.edit("targets")
        delegations = targets.delegations or Delegations({}, {})
        if delegations.roles and role in delegations.roles:
            raise ConfigError(role, "is there already", hint=f"sepia ship keys rotate {path} --role {role}")
        delegations.roles = {**(delegations.roles or {}), role: _delegated(role, threshold)}
        targets.delegations = delegations
        for name in names:
            targets.add_key(keys.key(name).public, role)
        change.add(role, Targets())
        return change.commit()


def _delegated(role: str, threshold: int) -> DelegatedRole:
    return DelegatedRole(role, [], threshold, terminating=True, paths=paths_of(role))


def _refuse_too_few(role: str, names: Sequence[str], threshold: int) -> None:
    if threshold < 1 or len(set(names)) < threshold:
        what = f"takes {threshold} signatures, and has {len(set(names))} keys"
        raise ConfigError(f"role {role}", what, accepted="a threshold of 1 and more, and as many keys")
