"""The whole story with throw-away keys: bundle, publish, boards that take it; then a worse version, which they refuse.

Emulated boards (and this machine) pull from a web server on loopback; to a real board, which could not reach that, the
same is pushed. Nothing that a board follows otherwise is touched: its agent lies in a folder of its own, and is taken
away at the end.
"""

from __future__ import annotations

import secrets
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path, PurePosixPath
from threading import Lock
from typing import Any, Literal

from ..check.model_folder import ModelFolder
from ..devices.at_each import at_each
from ..devices.facts import BoardFacts
from ..devices.place import Place, parse_place
from ..devices.probe import probe
from ..devices.profile import profile_of
from ..devices.target import Target, host
from ..devices.transport import Transport
from ..devices.wheels import runs_on
from ..errors import BoardError
from . import passphrase, repository
from .agent.config import Followed, Timeouts
from .agent.manifest import NATIVE
from .ask import ask
from .bundle import Bundle, make_bundle
from .install import Installed, Order, install, uninstall
from .keys import KeyStore
from .loopback import served
from .parts import RepositoryFolder
from .push import push
from .trust import read_trust
from .verify import verify
from .worse import make_worse

__all__ = ["PLACES", "Rehearsed", "Step", "Took", "rehearse"]

PLACES = ("pi4@emulator", "pizero@emulator")
GOOD, WORSE = "1.0.0", "1.1.0"
CHANNEL = "stable"

_RUNTIMES = ("litert", "tflite-runtime", "onnxruntime", "openvino")
_TIMEOUTS = Timeouts(selftest=600.0)
_DEADLINE_S = 900.0


@dataclass(frozen=True)
class Step:
    """at: seconds since the beginning, when it was done. board: "" for what was done here."""

    at: float
    board: str
    told: str

    def __str__(self) -> str:
        return f"{self.at:6.1f} s  {self.board + ': ' if self.board else ''}{self.told}"


@dataclass(frozen=True)
class Took:
    """A version that a board was offered. way: "pulled" or "pushed". bytes, requests: that it took.

    result: "switched" or "refused". kind, reason: why it was refused. rms: of the golden outputs on the board. p50_ms:
    None on an emulated core, which has no time. runs: the version that runs afterwards, every byte of it read again.
    """

    version: str
    way: Literal["pulled", "pushed"]
    bytes: int
    requests: int
    delta: bool
    result: str
    kind: str
    reason: str
    rms: float | None
    p50_ms: float | None
    runs: str | None
    seconds: float


@dataclass(frozen=True)
class OfBoard:
    """how: figures were had. failure: what kept the board from the story, "" if nothing did."""

    place: str
    target: str
    how: str
    installed: Installed | None = None
    took: tuple[Took, ...] = ()
    failure: str = ""

    @property
    def ok(self) -> bool:
        """It took the good version, refused the worse one in its self-test, and goes on with the good one."""
        told = [(took.version, took.result, took.runs) for took in self.took]
        refused = not self.failure and bool(self.took) and self.took[-1].kind == "self-test"
        return refused and told == [(GOOD, "switched", GOOD), (WORSE, "refused", GOOD)]


@dataclass(frozen=True)
class Rehearsed:
    model: str
    boards: tuple[OfBoard, ...]
    steps: tuple[Step, ...]
    seconds: float

    @property
    def ok(self) -> bool:
        return bool(self.boards) and all(board.ok for board in self.boards)

    def to_json(self) -> dict[str, Any]:
        boards = [{**asdict(board), "ok": board.ok} for board in self.boards]
        return {**asdict(self), "boards": boards, "ok": self.ok}


def rehearse(
    folder: Path, places: Sequence[str] = PLACES, *, say: Callable[[Step], None] = lambda step: None
) -> Rehearsed:
    """Play it with the int8 network in `folder`. say: told each step as it is done, by any thread, one at a time.

    A board that fails is in the result. Raises what making bundles raises (InputError, RuntimeUnavailable …).
    """
    story = _Story(folder, say)
    chosen = tuple(parse_place(place) for place in dict.fromkeys(places))
    with tempfile.TemporaryDirectory(prefix="sepia-rehearsal-") as work:
        try:
            boards = story.play(chosen, Path(work))
        finally:
            story.tidy(chosen)
    return Rehearsed(story.model, boards, tuple(story.steps), round(story.seconds, 1))


class _Story:
    def __init__(self, folder: Path, say: Callable[[Step], None]) -> None:
        self.folder, self.model = folder, ModelFolder(folder).name
        self.steps: list[Step] = []
        self._say, self._began, self._telling = say, time.monotonic(), Lock()
        self._root = f"~/.sepia/rehearsal-{secrets.token_hex(6)}"

    @property
    def seconds(self) -> float:
        return time.monotonic() - self._began

    def tell(self, told: str, board: str = "") -> None:
        with self._telling:
            step = Step(round(self.seconds, 1), board, told)
            self.steps.append(step)
            self._say(step)

    def play(self, places: Sequence[Place], work: Path) -> tuple[OfBoard, ...]:
        boards = self._each(places, {}, self._met)
        targets = sorted({board.target for board in boards.values() if board.target})
        if not targets:
            return tuple(boards.values())
        bundles = self._bundles(targets, work)
        keys = KeyStore(work / "keys", passphrase.none)
        published = self._create(work, keys)
        self._publish(published, keys, [bundle.path for bundle in bundles], GOOD)
        with served(published) as address:
            boards = self._each(places, boards, partial(self._first, published, address))
            self._publish(published, keys, self._worse(bundles, work), WORSE)
            boards = self._each(places, boards, partial(self._second, published))
        return tuple(boards.values())

    # --- here -------------------------------------------------------------------------------------------------------

    def _bundles(self, targets: Sequence[str], work: Path) -> list[Bundle]:
        made = []
        for target in targets:
            bundle = make_bundle(self.folder, target, GOOD, work / "bundles", model=self.model)
            self.tell(f"bundle {GOOD} for {target}: {_mb(bundle.bytes)}, {len(bundle.manifest.files)} files")
            made.append(bundle)
        return made

    def _create(self, work: Path, keys: KeyStore) -> Path:
        folder = work / "repository"
        repository.create(folder, keys)
        repository.delegate(folder, self.model, CHANNEL, keys)
        self.tell(f"keys of {', '.join(keys.names())}: made for this, and gone afterwards")
        return folder

    def _publish(self, folder: Path, keys: KeyStore, bundles: Sequence[Path], version: str) -> None:
        for one in repository.publish_all(folder, keys, bundles, CHANNEL):
            deltas = "".join(f", or {_mb(size)} as a delta" for size in one.deltas.values())
            self.tell(f"published {version} in {CHANNEL} for {one.target}: {_mb(one.bytes)}{deltas}")

    def _worse(self, bundles: Sequence[Bundle], work: Path) -> list[Path]:
        made = [make_worse(bundle.path, self.folder, WORSE, work / "worse") for bundle in bundles]
        self.tell(f"{WORSE} is worse: {made[0][1]}")
        return [path for path, _ in made]

    # --- on the boards ----------------------------------------------------------------------------------------------

    def _each(
        self,
        places: Sequence[Place],
        boards: Mapping[str, OfBoard],
        action: Callable[[OfBoard, Place, Transport], OfBoard],
    ) -> dict[str, OfBoard]:
        """`action` on those that have not failed, all at once."""
        known = {place.text: boards.get(place.text) or OfBoard(place.text, "", "") for place in places}
        able = [place for place in places if not known[place.text].failure]
        for outcome in at_each(able, lambda place, transport: action(known[place.text], place, transport)):
            board = outcome.result or replace(known[outcome.place.text], failure=outcome.failure)
            if outcome.failure:
                self.tell(f"failed: {outcome.failure}", outcome.place.text)
            known[outcome.place.text] = board
        return known

    def _met(self, board: OfBoard, place: Place, transport: Transport) -> OfBoard:
        facts = probe(transport)
        target = _target(place, facts)
        self.tell(f"{facts.model or facts.machine}, {facts.system}, Python {facts.python}: {target}", place.text)
        return replace(board, target=target, how=transport.how)

    def _first(self, published: Path, address: str, board: OfBoard, place: Place, transport: Transport) -> OfBoard:
        order = Order(
            place.text,
            self.model,
            Followed(board.target, CHANNEL, timeouts=_TIMEOUTS),
            read_trust(published),
            repository="" if place.kind == "ssh" else address,
            root=self._root,
            units=False,
        )
        installed = install(transport, order)
        runtime = f", and {PurePosixPath(installed.runtime).name}" if installed.runtime else ""
        self.tell(f"agent installed: {_mb(installed.bytes)}{runtime}", place.text)
        return replace(board, installed=installed, took=(self._take(published, GOOD, place, transport),))

    def _second(self, published: Path, board: OfBoard, place: Place, transport: Transport) -> OfBoard:
        return replace(board, took=(*board.took, self._take(published, WORSE, place, transport)))

    def _take(self, published: Path, version: str, place: Place, transport: Transport) -> Took:
        began = time.monotonic()
        done = self._pushed(published, transport) if place.kind == "ssh" else self._pulled(transport)
        seconds = round(time.monotonic() - began, 1)
        runs = verify(transport, self._root)["models"][self.model]["version"]
        emulated = transport.how == "emulated"
        took = replace(done, version=version, runs=runs, seconds=seconds, p50_ms=None if emulated else done.p50_ms)
        self.tell(_told(took, transport.how), place.text)
        return took

    def _pulled(self, transport: Transport) -> Took:
        told = ask(transport, self._root, "update", deadline=_DEADLINE_S, refusal=True).told
        done = told.get("models", {}).get(self.model)
        if done is None:
            raise BoardError(transport.name, str(told.get("error")), hint=str(told.get("hint", "")))
        same = {
            name: done[name] for name in ("bytes", "requests", "delta", "result", "kind", "reason", "rms", "p50_ms")
        }
        return Took(version="", way="pulled", runs=None, seconds=0.0, **same)

    def _pushed(self, published: Path, transport: Transport) -> Took:
        done = push(transport, RepositoryFolder(published), root=self._root)
        (one,) = done.models
        return Took(
            version="",
            way="pushed",
            bytes=done.sent,
            requests=0,
            delta=one.how == "delta",
            result=one.result,
            kind=one.kind,
            reason=one.reason,
            rms=one.rms,
            p50_ms=one.p50_ms,
            runs=None,
            seconds=0.0,
        )

    def tidy(self, places: Sequence[Place]) -> None:
        """Nothing of it stays on a board that can be reached."""
        for outcome in at_each(places, lambda _, transport: uninstall(transport, self._root, units=False)):
            if outcome.failure:
                self.tell(f"{self._root} is still there: {outcome.failure}", outcome.place.text)


def _target(place: Place, facts: BoardFacts) -> str:
    """The first runtime that has a wheel for the board, or the C program."""
    wanted = (place.runtime,) if place.runtime else _RUNTIMES
    runtime = next((name for name in wanted if name == NATIVE or runs_on(name, facts).ok), NATIVE)
    threads = place.threads or 1
    if place.kind == "host":
        return host(runtime, threads).name
    profile = place.profile or profile_of(facts)
    if profile is None:
        raise BoardError(place.text, "it is no kind of board that Sepia knows", hint="name it: PROFILE@DESTINATION")
    return Target(profile.name, facts.system, runtime, threads).name


def _told(took: Took, how: str) -> str:
    got = f"{took.way} {took.version}: {_mb(took.bytes)}" + (" as a delta" if took.delta else "")
    got += f" in {took.requests} requests" if took.requests else ""
    if took.result != "refused":
        right = "" if took.rms is None else f", golden outputs within {took.rms:.2g} rms"
        speed = "" if took.p50_ms is None else f", {took.p50_ms:.1f} ms"
        return f"{got}; tested there ({how}{right}{speed}); {took.result}: {took.runs} runs ({took.seconds:g} s)"
    return f"{got}; refused ({took.reason}); {took.runs} goes on ({took.seconds:g} s)"


def _mb(count: int) -> str:
    return f"{count / 1e6:.2f} MB" if count >= 10_000 else f"{count} bytes"
