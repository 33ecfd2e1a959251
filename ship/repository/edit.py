"""A change to roles: each is edited from what is in force, or from what waits for signatures already."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...errors import TrustError
from ..keys import KeyStore
from .lifetimes import refuse_wrong_clock, start
from .lock import locked
from .names import ROOT, SNAPSHOT, TARGETS, TIMESTAMP
from .outcome import Outcome
from .settle import Edited, next_version, settle
from .store import Store
from .waiting import waiting_for
from .warnings import warnings_of

if TYPE_CHECKING:
    from tuf.api.metadata import Metadata

__all__ = ["Edit", "editing", "now"]


def now() -> datetime:
    return datetime.now(UTC)


class Edit:
    """What one command changes. `signed` gives what is to be changed, `settle` brings it into force."""

    def __init__(self, store: Store, keys: KeyStore, at: datetime) -> None:
        self.store, self.keys, self.at = store, keys, at
        self.edited: Edited = {}

    def signed(self, role: str) -> Any:
        """The signed part of the role's next metadata. Raises TrustError if there is no such role."""
        if role not in self.edited:
            old = self.store.maybe(role)
            version = 1 if old is None else old.signed.version + 1
            base = self._waiting(role, version) or old
            if base is None:
                raise TrustError(str(self.store.folder), f"has no role '{role}'")
            self.edited[role] = next_version(role, base, version, self.at)
        return self.edited[role].signed

    def begin(self, role: str, signed: Any, days: int | None = None) -> None:
        """A role that is new."""
        from tuf.api.metadata import Metadata

        start(role, signed, self.at, days)
        self.edited[role] = Metadata(signed)

    def newest(self, role: str) -> Any:
        """To look at: as it will be after this edit."""
        if role in self.edited:
            return self.edited[role].signed
        old = self.store.maybe(role)
        version = 1 if old is None else old.signed.version + 1
        found = self._waiting(role, version) or old
        return None if found is None else found.signed

    def settle(self, renew: frozenset[str] = frozenset()) -> Outcome:
        return settle(self.store, self.keys, self.edited, self.at, renew=renew)

    def unchanged(self) -> Outcome:
        return Outcome({}, waiting_for(self.store, self.keys), warnings_of(self.store, self.at))

    def _waiting(self, role: str, version: int) -> Metadata[Any] | None:
        """What waits is changed further: its signatures are of something else then, and are given anew."""
        found = self.store.waiting().get(role)
        return found if found is not None and found.signed.version == version else None


@contextmanager
def editing(folder: Path, keys: KeyStore, at: datetime | None = None) -> Iterator[Edit]:
    """Alone in the repository. Raises InputError (it is none), TrustError (a newer form, this machine's clock)."""
    store = Store(folder)
    store.refuse_no_repository()
    with locked(folder):
        moment = at or now()
        named = ((role, store.maybe(role)) for role in (ROOT, TIMESTAMP, SNAPSHOT, TARGETS, *store.roles()))
        refuse_wrong_clock(((role, one) for role, one in named if one is not None), moment)
        yield Edit(store, keys, moment)
