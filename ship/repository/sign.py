"""Signatures by several people on several machines: each signs the file that waits; enough of them, and it goes out.

The file is TUF's own metadata, in REPOSITORY/waiting/ROLE.json. It is carried to whoever holds a key, in whatever way,
and back: a signature says nothing but what is in the file, and what was changed on the way is refused.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...errors import InputError, TrustError, nearest
from ...files import replacing
from ..keys import KeyStore
from .edit import now
from .lock import locked
from .outcome import Outcome
from .settle import Edited, settle
from .store import Store, parsed, read, written
from .waiting import verdicts, waiting_for

if TYPE_CHECKING:
    from tuf.api.metadata import Metadata

__all__ = ["drop", "sign_file", "sign_waiting"]


def sign_waiting(
    folder: Path,
    keys: KeyStore,
    *,
    names: Sequence[str] = (),
    files: Sequence[Path] = (),
    at: datetime | None = None,
) -> Outcome:
    """Take in the signatures of `files`, add those of keys that are here, and bring into force what has enough.

    names: of the keys to sign with; otherwise as many of those that are here as it takes. Raises InputError if nothing
    waits, TrustError for a file of other content and for what others have overtaken.
    """
    store = Store(folder)
    if not store.waiting():
        store.refuse_no_repository()
        raise InputError(str(folder), "has nothing that waits for signatures")
    with locked(folder):
        held = _in_time(store)
        for file in files:
            _take_in(store, held, file)
        for name in names:
            _sign_where_it_counts(store, held, keys, name)
        for role, one in held.items():
            store.put_waiting(role, one)
        return settle(store, keys, held, at or now(), sign_edited=not names)


def sign_file(path: Path, keys: KeyStore, name: str) -> tuple[str, int]:
    """Add one key's signature to a waiting file, where the repository is not; the role's name and its version.

    Raises TrustError if it is no metadata.
    """
    one = parsed(path, read(path))
    one.sign(keys.signer(name), append=True)
    with replacing(path) as partial:
        partial.write_bytes(written(one))
    return path.name.removesuffix(".json"), one.signed.version


def drop(folder: Path, role: str, keys: KeyStore) -> Outcome:
    """Give up what waits in a role. Raises InputError if nothing does."""
    store = Store(folder)
    with locked(folder):
        held = store.waiting()
        if role not in held:
            raise InputError(str(folder), f"nothing waits in '{role}'", accepted=nearest(role, held) if held else "")
        store.drop_waiting(role)
        return Outcome({}, waiting_for(store, keys))


def _in_time(store: Store) -> Edited:
    """What waits, without what came into force when a command was interrupted."""
    held = store.waiting()
    for role, one in list(held.items()):
        old = store.maybe(role)
        if old is None or one.signed.version == old.signed.version + 1:
            continue
        if one.signed != old.signed:
            raise TrustError(
                str(store.waiting_path(role)),
                f"is version {one.signed.version}, and {old.signed.version} is in force",
                hint=f"sepia ship keys sign {store.folder} --drop {role}; then make the change again",
            )
        store.drop_waiting(role)
        del held[role]
    return held


def _take_in(store: Store, held: Edited, file: Path) -> None:
    given = parsed(file, read(file))
    same = [role for role, one in held.items() if one.signed_bytes == given.signed_bytes]
    if not same:
        raise TrustError(str(file), "is not what waits for signatures here", accepted=", ".join(sorted(held)))
    held[same[0]].signatures.update(_right(store, same[0], held, given))


def _right(store: Store, role: str, held: Edited, given: Metadata[Any]) -> dict[str, Any]:
    """Its signatures that verify, by keys of the role."""
    found = [one for one in verdicts(store, role, {**held, role: given}) if one is not None]
    signed = frozenset[str]().union(*(one.signed for one in found))
    return {keyid: signature for keyid, signature in given.signatures.items() if keyid in signed}


def _sign_where_it_counts(store: Store, held: Edited, keys: KeyStore, name: str) -> None:
    keyid = keys.public(name).keyid
    counts = False
    for role, one in held.items():
        found = [each for each in verdicts(store, role, held) if each is not None]
        if any(keyid in each.others for each in found):
            one.sign(keys.signer(name), append=True)
        counts = counts or any(keyid in each.others | each.signed for each in found)
    if not counts:
        by = sorted({word for one in waiting_for(store, keys) for word in one.by})
        raise TrustError(f"key '{name}'", "has no right to sign what waits here", accepted=", ".join(by))
