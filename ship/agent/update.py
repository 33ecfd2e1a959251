"""An update: what the repository offers each followed model, verified, unpacked, tried out here, and switched to.

One model after another, under its lock. What a power cut leaves after each step, and what the next start does:

    step                          a cut leaves                          the next start
    1  recover                    less of what was left                 recovers again
    2  refresh, offer             TUF's metadata, each file whole       asks again
    3  room                       fewer old versions                    goes on
    4  fetch                      part of a file in incoming/           removes it, fetches again
    5  check, unpack              part of a folder in incoming/         removes it, fetches again
    6  move to versions/          a whole folder that nothing knows     removes it, fetches again
    7  begin: "testing", counted  a whole folder on trial               tries it out if it is still offered; after
    8  self-test                  the same                              MOST_ATTEMPTS of these it is given up
    9  mark "pending"             the same, `current` is the old one    the same: back to "testing"
    10 switch                     `current` is the new one              asks for its health again, counted, and keeps
    11 reload and health command  the same                              it or goes back
    12 mark good                  the new one, kept                     nothing
    13 prune                      a folder that nothing knows, or part  removes it, and prunes on
                                  of it in incoming/

    8b, 11b failed: marked        a trial that is given up              `current` back to the old one, reload, refused
    `current` back to the old     the same                              the same
    refused: marked               a folder that nothing knows           removes it

Only steps 10 and 11b change what runs, and each is one rename. Nothing of the application is stopped or started, but by
the operator's own reload and health commands. A bundle that failed is not tried again until another is offered, the
agent or its runtimes are others, or somebody asks for it (`again`).
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from . import __version__
from .arrival import clear, fetch, lies_here, named, opened, refuse_other, room_for
from .clock import utc_now
from .errors import Refused
from .layout import name_of
from .lock import WAIT_S, locked
from .manifest import Manifest
from .mend import mend
from .outcome import Done, Outcome
from .prune import prune
from .recover import recover, sweep, sweep_inboxes
from .state import MOST_LETTERS, Check, State, Trial, read_state, write_state
from .switch import current_name
from .trial import BLAMED, drop_other, prove, refusal_of, refuse
from .work import Commands, Work, begin_work, say

if TYPE_CHECKING:
    from .client import Client, Offer
    from .source import Source

__all__ = ["update"]


def update(
    root: Path,
    source: Source,
    *,
    model: str | None = None,
    again: bool = False,
    commands: Commands | None = None,
    client: Callable[[Work, Source], Client] | None = None,
    now: Callable[[], datetime] = utc_now,
    tell: Callable[[str], None] = say,
    wait_s: float = WAIT_S,
) -> Outcome:
    """Bring `model`, or every one that is followed, to what the repository offers this board.

    source: where the repository is (`fetch.Http`, `fetch.Inbox`). again: take what was refused or is held, too. wait_s:
    seconds for another run to end. Raises Refused only where nothing can be begun (config.json, a model that is not
    followed); whatever else was refused is in the outcome.
    """
    work = begin_work(root, commands or Commands(), now, tell, wait_s)
    models = sorted(work.config.models) if model is None else [model]
    for name in models:
        work.config.followed(name)
    sweep_inboxes(work.layout)
    asked = _Asked(work, source, client or _client)
    return Outcome(work.config.board, tuple(_Update(work, name, asked, again).run() for name in models))


def _client(work: Work, source: Source) -> Client:
    from .client import Client  # loads TUF

    return Client(work.layout.root, source, now=work.now)


class _Asked:
    """The repository, refreshed once in a run: what it refuses the first model, it refuses them all."""

    def __init__(self, work: Work, source: Source, client: Callable[[Work, Source], Client]) -> None:
        self._work, self._source, self._open = work, source, client
        self._client: Client | None = None
        self._refused: Refused | None = None

    def taken(self) -> tuple[int, int]:
        """Bytes and requests of the source up to now."""
        return self._source.bytes, self._source.requests

    def client(self) -> Client:
        if self._refused is not None:
            raise self._refused
        if self._client is None:
            try:
                client = self._open(self._work, self._source)
                client.refresh()
            except Refused as refused:
                self._refused = refused
                raise
            self._client = client
        return self._client


class _Update:
    """Of one model."""

    def __init__(self, work: Work, model: str, asked: _Asked, again: bool) -> None:
        self._work, self._asked, self._again = work, asked, again
        self._model, self._folder = model, work.folder(model)
        self._followed = work.config.followed(model)
        self._done = Done(model, "refused")

    def run(self) -> Done:
        start, (bytes_before, requests_before) = time.monotonic(), self._asked.taken()
        try:
            with locked(self._folder.lock, self._work.wait_s):
                self._locked()
        except Refused as refused:
            self._refuse(refused)
        took, asked = self._asked.taken()
        seconds = round(time.monotonic() - start, 3)
        return replace(self._done, bytes=took - bytes_before, requests=asked - requests_before, seconds=seconds)

    def _locked(self) -> None:
        state = recover(self._work, self._folder)
        try:
            state = self._bring(state)
        except Refused as refused:
            self._refuse(refused)
        self._clean()
        self._note()

    def _bring(self, state: State) -> State:
        """To what is offered. Whatever is refused on the way leaves what runs as it was."""
        with locked(self._work.layout.lock, self._work.wait_s):
            client = self._asked.client()
            self._say(*client.said)
            offer = client.offer(self._model, self._followed.channel, self._followed.target, self._work.config.board)
            if offer is None:
                return self._ended("not offered", state)
            self._done = replace(self._done, offered=offer.version, in_rollout=offer.in_rollout)
            state = drop_other(self._folder, state, offer.sha256)
            reason = self._nothing_to_do(state, offer)
            if reason:
                return self._ended(reason, state)
            manifest = lies_here(self._folder, offer)
            if manifest is None:
                state = room_for(self._folder, clear(self._folder, state, offer), offer)
                archive = self._fetch(state, offer, client)
        if manifest is None:
            return self._open(state, offer, archive)
        if current_name(self._folder) == name_of(offer.version, offer.sha256):  # read again, and not spoilt after all
            write_state(self._folder.state, replace(state, spoilt=""))
            return self._ended("current", state)
        return self._try(state, offer, manifest)

    def _nothing_to_do(self, state: State, offer: Offer) -> str:
        name = name_of(offer.version, offer.sha256)
        if current_name(self._folder) == name and not state.spoilt:
            return "current"
        if self._again:
            return ""
        if state.holds(name):
            return "held"
        refusal = state.refusal(offer.sha256)
        known = (__version__, self._work.circumstances())
        if refusal is not None and (refusal.agent, refusal.runtimes) == known:
            told = f"{offer.version} was refused on {refusal.when}: {refusal.reason}"
            raise Refused(self._model, told, kind=refusal.kind, hint="publish another, or try it --again")
        return ""

    def _fetch(self, state: State, offer: Offer, client: Client) -> Path:
        self._work.tell(f"{self._model} {offer.version}: fetching {offer.bytes} bytes or less")
        fetched = fetch(self._folder, state, offer, client)
        self._done = replace(self._done, delta=fetched.delta)
        self._say(fetched.said)
        return fetched.path

    def _open(self, state: State, offer: Offer, archive: Path) -> State:
        try:
            unpacked, manifest = opened(self._folder, offer, archive, self._followed.target)
        except Refused as refused:
            if refused.kind in BLAMED:
                refusal = refusal_of(self._work, offer.version, offer.sha256, refused.kind, str(refused))
                refuse(self._work, self._folder, state, refusal)
            raise
        if current_name(self._folder) == unpacked.name:
            return self._mend(state, offer, unpacked, manifest)
        named(self._folder, unpacked)
        return self._try(state, offer, manifest)

    def _try(self, state: State, offer: Offer, manifest: Manifest) -> State:
        refuse_other(self._model, offer.version, self._followed.target, manifest)
        before = state.trial
        attempts = before.attempts if before and before.sha256 == offer.sha256 and not self._again else 0
        trial = Trial(
            version=offer.version,
            sha256=offer.sha256,
            bytes=sum(file.bytes for file in manifest.files),
            channel=self._followed.channel,
            target=self._followed.target,
            phase="testing",
            attempts=attempts + 1,
            before=current_name(self._folder),
        )
        proved = prove(self._work, self._folder, state, trial, manifest)
        if proved.tested is not None:
            tested = proved.tested
            self._done = replace(self._done, p50_ms=tested.p50_ms, rss_bytes=tested.rss_bytes, rms=tested.rms)
        if proved.refusal is not None:
            raise Refused(f"{self._model} {offer.version}", proved.refusal.reason, kind=proved.refusal.kind)
        return self._ended("switched", proved.state)

    def _mend(self, state: State, offer: Offer, unpacked: Path, manifest: Manifest) -> State:
        state = mend(self._folder, state, unpacked, manifest, offer.sha256)
        state = state.noting(self._work.now(), "mended", offer.version, "from the repository")
        write_state(self._folder.state, state)
        reason = self._work.ask(self._folder, offer.version)
        if reason:
            raise Refused(f"{self._model} {offer.version}", reason, kind="health")
        return self._ended("mended", state)

    def _ended(self, result: str, state: State) -> State:
        self._done = replace(self._done, result=result)
        return state

    def _say(self, *lines: str) -> None:
        for line in filter(None, lines):
            self._work.tell(f"{self._model}: {line}")
            self._done = replace(self._done, notes=(*self._done.notes, line))

    def _refuse(self, refused: Refused) -> None:
        reason = f"{refused.where}: {refused.what}"
        self._done = replace(self._done, result="refused", kind=refused.kind, reason=reason, hint=refused.hint)
        self._work.tell(str(refused))

    def _clean(self) -> None:
        """Whatever the run has come to: not more versions than are kept, and nothing half."""
        state = read_state(self._folder.state) or State()
        try:
            sweep(self._folder)
            prune(self._folder, state, self._followed.keep)
        except Refused as refused:
            self._work.tell(str(refused))

    def _note(self) -> None:
        """What runs now, in the outcome; how the look at the repository ended, in state.json."""
        state = read_state(self._folder.state) or State()
        kept = state.of(current_name(self._folder))
        if kept is not None:
            self._done = replace(self._done, version=kept.version, sha256=kept.sha256 or None)
        reason = self._done.reason or "; ".join(self._done.notes)
        check = Check(self._work.when(), self._done.result, self._done.kind, reason[:MOST_LETTERS])
        write_state(self._folder.state, replace(state, last_check=check))
