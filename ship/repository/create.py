"""A new repository, and who may publish in it: root and targets with keys that stay offline, the rest online."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from ...errors import ConfigError, InputError
from ..keys import KeyStore
from .edit import Edit, editing, now
from .lifetimes import DAYS, ONLINE, refuse_odd_days
from .lock import locked
from .names import ROOT, SNAPSHOT, TARGETS, TIMESTAMP, TOP_LEVEL, channel_paths, role_of
from .outcome import Outcome
from .store import SCHEMA, SCHEMA_FIELD, Store

if TYPE_CHECKING:
    from securesystemslib.signer import Key

__all__ = ["KEYS", "THRESHOLDS", "create", "delegate"]

KEYS: Mapping[str, Sequence[str]] = {
    ROOT: ("root-1", "root-2", "root-3"),
    TARGETS: ("targets",),
    SNAPSHOT: ("snapshot",),
    TIMESTAMP: ("timestamp",),
}
"""Role → names of its keys, by default."""

THRESHOLDS: Mapping[str, int] = {ROOT: 2}
"""Role → how many of them must sign; 1 where it isn't said. Two of three: one may be lost, and one may be stolen."""


def create(
    folder: Path,
    keys: KeyStore,
    *,
    names: Mapping[str, Sequence[str]] | None = None,
    thresholds: Mapping[str, int] | None = None,
    days: Mapping[str, int] | None = None,
    at: datetime | None = None,
) -> Outcome:
    """Make `folder` a repository without models.

    names: role → keys, made where the store has none of that name. thresholds, days: of what is not said the defaults.
    Where the private halves of others' keys are needed, the first root waits for them. Raises InputError if it is a
    repository already, ConfigError for odd names and numbers.
    """
    named = {**KEYS, **(names or {})}
    needed = {**dict.fromkeys(TOP_LEVEL, 1), **THRESHOLDS, **(thresholds or {})}
    lasting = {**DAYS, **(days or {})}
    _refuse_odd(folder, keys, named, needed, lasting)
    store = Store(folder)
    folder.mkdir(parents=True, exist_ok=True)
    with locked(folder):
        if store.maybe(ROOT) is not None or ROOT in store.waiting():
            raise InputError(str(folder), "is a repository already", hint=f"sepia ship keys list {folder}")
        edit = Edit(store, keys, at or now())
        _begin(edit, named, needed, lasting)
        return edit.settle()


def delegate(
    folder: Path,
    model: str,
    channel: str,
    keys: KeyStore,
    threshold: int = 1,
    *,
    names: Sequence[str] = (),
    at: datetime | None = None,
) -> Outcome:
    """Let keys sign for a channel of a model: the role MODEL.CHANNEL.

    names: of the keys, made where the store has none of that name; one called MODEL.CHANNEL by default. Raises
    ConfigError for odd names, a threshold that they can't meet, and a role that is there already.
    """
    from tuf.api.metadata import DelegatedRole, Delegations, Targets

    role = role_of(model, channel)
    with editing(folder, keys, at) as edit:
        delegations = edit.newest(TARGETS).delegations
        if delegations is not None and role in delegations.roles:
            hint = f"sepia ship keys add {folder} {role} KEY"
            raise ConfigError(role, "is there already", hint=hint)
        chosen = keys_of(keys, names or (role,), role, threshold)
        signed = edit.signed(TARGETS)
        signed.delegations = signed.delegations or Delegations({}, {})
        signed.delegations.roles[role] = DelegatedRole(
            role, [], threshold, terminating=True, paths=[channel_paths(model, channel)]
        )
        for key in chosen:
            signed.add_key(key, role)
        edit.begin(role, Targets())
        return edit.settle()


def keys_of(keys: KeyStore, names: Sequence[str], role: str, threshold: int) -> list[Key]:
    """The public halves, made where there is none. Raises ConfigError for a threshold that they can't meet."""
    wanted = list(dict.fromkeys(names))
    if not 1 <= threshold <= len(wanted):
        raise ConfigError(role, f"a threshold of {threshold}", accepted=f"1 to {len(wanted)}, the number of its keys")
    return [keys.public(name) if name in keys.names() else keys.new(name) for name in wanted]


def _begin(edit: Edit, named: Mapping[str, Sequence[str]], needed: Mapping[str, int], days: Mapping[str, int]) -> None:
    from tuf.api.metadata import Root, Targets

    online = {role: days[role] for role in (SNAPSHOT, TIMESTAMP)}
    root = Root(consistent_snapshot=True, unrecognized_fields={SCHEMA_FIELD: SCHEMA, ONLINE: online})
    for role in TOP_LEVEL:
        for key in keys_of(edit.keys, named[role], role, needed[role]):
            root.add_key(key, role)
        root.roles[role].threshold = needed[role]
    edit.begin(ROOT, root, days[ROOT])
    edit.begin(TARGETS, Targets(), days[TARGETS])


def _refuse_odd(
    folder: Path, keys: KeyStore, named: Mapping[str, Sequence[str]], needed: Mapping[str, int], days: Mapping[str, int]
) -> None:
    for role in (*named, *needed, *days):
        if role not in TOP_LEVEL:
            raise ConfigError(role, "is no role of a new repository", accepted=", ".join(TOP_LEVEL))
    for role in TOP_LEVEL:
        refuse_odd_days(days[role])
        if not 1 <= needed[role] <= len(set(named[role])):
            accepted = f"1 to {len(set(named[role]))}, the number of its keys"
            raise ConfigError(role, f"a threshold of {needed[role]}", accepted=accepted)
    if keys.folder.resolve().is_relative_to(folder.resolve()):
        what = "lies in the repository, which everybody may read"
        raise ConfigError(str(keys.folder), what, hint="keep the keys elsewhere, with --keys")
