"""What a repository offers this board, and the file itself: believed by its signatures, whoever served or pushed it.

    client = Client(Path("~/.sepia/ship").expanduser(), Http("https://models.example.org"))
    client.refresh()
    offer = client.offer("lite0", "stable", "pi4-bookworm64-litert-t4", board="board-17")
    fetched = client.fetch(offer, Path("new.sepia"), base=lambda sha256: None)

Everything that is refused is a `Refused`; its kinds:

    signature    it was changed after it was signed           unreachable  no connection, cut, or the server failed
    threshold    too few signatures                           slow         below the least rate, or past the deadline
    not allowed  a key without the right, another server,     endless      more bytes than were signed for
                 a file of another channel, a symlink         length       fewer bytes than were signed for
    expired      by this board's clock                        missing      not there, or not signed for
    rollback     older than what was seen here                encoding     sent compressed, which was not asked for
    mixed        of two states of a repository                changed      not the bytes that were signed for
    metadata, pointer  not in the form that is agreed on      limit        more than this board takes
    trust        no usable root was given at install          disk, config, patch
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from tuf.api.exceptions import RepositoryError
from tuf.api.metadata import TargetFile
from tuf.ngclient import UpdaterConfig

from .clock import read_clock, utc_now
from .download import address, download, download_small, sha256_of
from .durable import free_bytes, make_folder, move, remove
from .errors import Refused
from .floor import read_floor
from .layout import Layout
from .patch import apply
from .pointer import MOST_BYTES, Choice, folder_of, read_pointer
from .refusals import told
from .source import Source
from .updater import FlooredUpdater

__all__ = ["Client", "Delta", "Fetched", "Limits", "Offer"]

SPARE = 1 << 20
"""Bytes that are left free on the disk."""
_BLAMELESS = frozenset({"changed", "endless", "length", "limit", "missing", "patch"})
"""Why a delta may be given up for the whole bundle; the link and the disk would not be better for that."""


@dataclass(frozen=True)
class Limits:
    """Of what is believed to be small before it is verified; bytes. bundle: the largest that this board takes."""

    root: int = 256 << 10
    timestamp: int = 16 << 10
    snapshot: int = 1 << 20
    targets: int = 4 << 20
    bundle: int = 1 << 30
    rotations: int = 256
    delegations: int = 8


@dataclass(frozen=True)
class Delta:
    """base: SHA-256 of the bundle that it is applied to. path: the TUF target. sha256, bytes: of the delta itself."""

    base: str
    path: str
    bytes: int
    sha256: str


@dataclass(frozen=True)
class Offer:
    """path: of the whole bundle in the repository; bytes, sha256: of it. in_rollout: False: the version before."""

    version: str
    path: str
    bytes: int
    sha256: str
    deltas: tuple[Delta, ...]
    in_rollout: bool


@dataclass(frozen=True)
class Fetched:
    """bytes, requests: what it took. delta: whether one was enough. said: why a delta was given up, or ""."""

    path: Path
    bytes: int
    requests: int
    delta: bool
    said: str = ""


class Client:
    """folder: the agent's. said: lines for people, of the clock and of the floor."""

    def __init__(
        self,
        folder: Path,
        source: Source,
        *,
        now: Callable[[], datetime] = utc_now,
        limits: Limits = Limits(),
    ) -> None:
        self.layout, self.source, self.limits = Layout(folder), source, limits
        self.said: list[str] = []
        self._now = now
        self._updater: FlooredUpdater | None = None
        self._clock = read_clock(now(), None)

    def refresh(self) -> None:
        """The repository's root, timestamp, snapshot and targets, verified and durable. Raises Refused."""
        updater = self._open()
        try:
            with told(updater, self.source.where, self._clock):
                updater.refresh()
            updater.floor.at(self._clock.taken)
        finally:
            updater.floor.save()
        self._updater = updater

    def offer(self, model: str, channel: str, target: str, board: str) -> Offer | None:
        """What this board is to run; None where nothing is published for it. Raises Refused."""
        folder = folder_of(model, channel, target)
        path = f"{folder}current.json"
        found = self.find(path)
        if found is None:
            return None
        choice = read_pointer(self._small(found), folder).choice(board, model)
        return None if choice is None else self._offer(choice, path)

    def fetch(self, offer: Offer, into: Path, base: Callable[[str], Path | None]) -> Fetched:
        """The offered bundle at `into`, which must not be there. base: makes the bundle of a digest, if it can.

        Raises Refused; then nothing is at `into`.
        """
        bytes_before, requests_before = self.source.bytes, self.source.requests
        delta, said = self._by_delta(offer, into, base)
        if not delta:
            self._refuse_full(into.parent, offer.bytes)
            self.save(self._named(offer.path), into)
        took, asked = self.source.bytes - bytes_before, self.source.requests - requests_before
        return Fetched(into, took, asked, delta, said)

    def signed(self, path: str) -> tuple[int, str] | None:
        """Bytes and SHA-256 of a target, as whoever may sign for it has; None: nobody has. Raises Refused."""
        found = self.find(path)
        return None if found is None else (found.length, sha256_of(found))

    # --- trust ----------------------------------------------------------------------------------------------------

    def _open(self) -> FlooredUpdater:
        bootstrap = self._bootstrap()
        floor = read_floor(self.layout.trust.with_name("floor.json"), hashlib.sha256(bootstrap).hexdigest())
        self._clock = read_clock(self._now(), floor.clock)
        self.said += [line for line in (floor.said, self._clock.said) if line]
        config = UpdaterConfig(
            max_root_rotations=self.limits.rotations,
            max_delegations=self.limits.delegations,
            root_max_length=self.limits.root,
            timestamp_max_length=self.limits.timestamp,
            snapshot_max_length=self.limits.snapshot,
            targets_max_length=self.limits.targets,
        )
        try:
            return FlooredUpdater(self.layout.metadata, self.source, config, bootstrap, floor, self._clock.taken)
        except RepositoryError as error:
            raise _no_trust(self.layout.trust, f"is no root of a TUF repository ({error})") from error
        except OSError as error:
            where = str(error.filename or self.layout.metadata)
            raise Refused(where, error.strerror or str(error), kind="disk") from error

    def _bootstrap(self) -> bytes:
        try:
            return self.layout.trust.read_bytes()
        except OSError as error:
            raise _no_trust(self.layout.trust, error.strerror or str(error)) from error

    def _ready(self) -> FlooredUpdater:
        if self._updater is None:
            self.refresh()
        if self._updater is None:
            raise RuntimeError("a refresh that neither ended nor raised")
        return self._updater

    # --- targets --------------------------------------------------------------------------------------------------

    def find(self, path: str) -> TargetFile | None:
        """What was signed for a path by whoever may; None if nobody did. Raises Refused."""
        updater = self._ready()
        try:
            with told(updater, self.source.where, self._clock):
                return updater.get_targetinfo(path)
        except Refused:
            # What the floor refused is loaded there: nobody may find it.
            self._updater = None
            raise
        finally:
            updater.floor.save()

    def _named(self, path: str) -> TargetFile:
        found = self.find(path)
        if found is None:
            raise Refused(path, "is named, and signed for by nobody who may", kind="missing")
        return found

    def _offer(self, choice: Choice, where: str) -> Offer:
        bundle = self._named(choice.path)
        if bundle.length > self.limits.bundle:
            what = f"has {bundle.length} bytes; at most {self.limits.bundle} are accepted"
            raise Refused(choice.path, what, kind="limit")
        deltas = []
        for at in choice.deltas:
            found = self._named(at.path)
            deltas.append(Delta(at.base, at.path, found.length, sha256_of(found)))
        smallest_first = tuple(sorted(deltas, key=lambda delta: delta.bytes))
        return Offer(choice.version, choice.path, bundle.length, sha256_of(bundle), smallest_first, choice.in_rollout)

    def _small(self, target: TargetFile) -> bytes:
        if target.length > MOST_BYTES:
            what = f"has {target.length} bytes; at most {MOST_BYTES} are accepted"
            raise Refused(target.path, what, kind="limit")
        return download_small(self.source, self._address(target), target)

    def _by_delta(self, offer: Offer, into: Path, base: Callable[[str], Path | None]) -> tuple[bool, str]:
        said = ""
        for delta in offer.deltas:
            if delta.bytes >= offer.bytes:
                continue
            old = base(delta.base)
            if old is None:
                continue
            try:
                self._apply(offer, delta, old, into)
                return True, ""
            except Refused as refused:
                if refused.kind not in _BLAMELESS:
                    raise
                said = f"{delta.path} is given up for the whole bundle: {refused}"
        return False, said

    def _apply(self, offer: Offer, delta: Delta, base: Path, into: Path) -> None:
        self._refuse_full(into.parent, offer.bytes + delta.bytes)
        with ExitStack() as last:
            patch, made = self._partial / "patch", self._partial / "made"
            for path in (patch, made):
                remove(path)
                last.callback(remove, path)
            self.save(self._named(delta.path), patch)
            apply(base, patch, made, most_bytes=offer.bytes)
            if _digest(made) != offer.sha256:
                raise Refused(delta.path, f"does not make the bundle {offer.version} of its base", kind="patch")
            move(made, into)

    def save(self, target: TargetFile, into: Path) -> None:
        """The file at `into`, whole and verified. Raises Refused; then nothing is at `into`."""
        download(self.source, self._address(target), target, into, self._partial / "parts")

    def _address(self, target: TargetFile) -> str:
        return address(self.source, target, hashed=self._ready().consistent)

    @property
    def _partial(self) -> Path:
        """For what is not verified yet: on the same disk, never in a temporary folder that may lie in memory."""
        folder = self.layout.root / "partial"
        make_folder(folder)
        return folder

    def _refuse_full(self, folder: Path, wanted: int) -> None:
        free = free_bytes(folder) - SPARE
        if free < wanted:
            what = f"{wanted} bytes are to come, and there is room for {max(free, 0)}"
            raise Refused(str(folder), what, kind="disk", hint="free some space")


def _no_trust(path: Path, what: str) -> Refused:
    return Refused(str(path), what, kind="trust", hint="install the agent again with the repository's root")


def _digest(path: Path) -> str:
    found = hashlib.sha256()
    with path.open("rb") as file:
        for piece in iter(lambda: file.read(1 << 16), b""):
            found.update(piece)
    return found.hexdigest()
