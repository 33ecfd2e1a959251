"""What the agent remembers of one model: state.json, replaced whole at each step. What runs, `current` alone says.

Times are UTC in ISO 8601, as the board's clock told them; nothing is decided by them.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields, replace
from datetime import datetime
from pathlib import Path

from .clock import UTC
from .durable import told, write_file
from .layout import name_of, split_name
from .strict_json import Reader, parsed

__all__ = [
    "MOST_ATTEMPTS",
    "Check",
    "Event",
    "Held",
    "Kept",
    "Refusal",
    "State",
    "Trial",
    "iso",
    "read_state",
    "write_state",
]

SCHEMA = 1
MOST_ATTEMPTS = 3
"""Of one bundle that end without an answer (the power was cut, the board restarted) before it is given up."""
MOST_EVENTS, MOST_REFUSED, MOST_HELD, MOST_LETTERS = 50, 20, 20, 500


def iso(now: datetime) -> str:
    return now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


@dataclass(frozen=True)
class Kept:
    """A version that has proved itself here. name: of its folder. sha256: of its bundle, "" if it is not known any
    more. bytes: of its files. since: when it last became current, "" if unknown."""

    name: str
    version: str
    sha256: str
    bytes: int
    channel: str
    target: str
    since: str


@dataclass(frozen=True)
class Trial:
    """A version that has not proved itself yet. phase: "testing" (it does not run), "pending" (it may be current, and
    health has not confirmed it), "failed" (it is given up for `before`). attempts: ≥ 1, with this one. before: name of
    the version to go back to. kind, reason: why it failed."""

    version: str
    sha256: str
    bytes: int
    channel: str
    target: str
    phase: str
    attempts: int
    before: str | None
    kind: str = ""
    reason: str = ""

    @property
    def name(self) -> str:
        return name_of(self.version, self.sha256)


@dataclass(frozen=True)
class Refusal:
    """A bundle that failed here. agent: the version that refused it. runtimes: what they were (`Work.circumstances`).

    It is tried again by another agent, with other runtimes, or on demand."""

    version: str
    sha256: str
    kind: str
    reason: str
    when: str
    agent: str
    runtimes: str


@dataclass(frozen=True)
class Held:
    """A version that somebody rolled back from; it is not installed again until another one is."""

    version: str
    name: str
    when: str


@dataclass(frozen=True)
class Check:
    """The last look at the repository. result: "current", "switched", "held", …, "refused"."""

    when: str
    result: str
    kind: str = ""
    reason: str = ""


@dataclass(frozen=True)
class Event:
    when: str
    event: str
    version: str
    detail: str


@dataclass(frozen=True)
class State:
    """kept: in the order in which they became current. current: name of what ran when this was written, to mend the
    symlink by. previous: of the one to go back to. spoilt: what is wrong with the files of what is current, or "".
    rollback: name that is being rolled back to."""

    kept: tuple[Kept, ...] = ()
    current: str | None = None
    previous: str | None = None
    trial: Trial | None = None
    rollback: str | None = None
    spoilt: str = ""
    held: tuple[Held, ...] = ()
    refused: tuple[Refusal, ...] = ()
    last_check: Check | None = None
    history: tuple[Event, ...] = ()

    def of(self, name: str | None) -> Kept | None:
        return next((kept for kept in self.kept if kept.name == name), None)

    def holds(self, name: str) -> bool:
        return any(held.name == name for held in self.held)

    def refusal(self, sha256: str) -> Refusal | None:
        return next((refusal for refusal in self.refused if refusal.sha256 == sha256), None)

    def earlier(self, name: str | None) -> str | None:
        """The one that ran before `name` and is not held."""
        names = [kept.name for kept in self.kept]
        before = names[: names.index(name)] if name in names else names
        return next((other for other in reversed(before) if not self.holds(other)), None)

    def refusing(self, refusal: Refusal) -> State:
        others = tuple(other for other in self.refused if other.sha256 != refusal.sha256)
        return replace(self, refused=(*others, replace(refusal, reason=refusal.reason[:MOST_LETTERS]))[-MOST_REFUSED:])

    def noting(self, now: datetime, event: str, version: str, detail: str = "") -> State:
        """The history is bounded: the oldest is forgotten."""
        entry = Event(iso(now), event, version, detail[:MOST_LETTERS])
        return replace(self, history=(*self.history, entry)[-MOST_EVENTS:])


def read_state(path: Path) -> State | None:
    """None if there is none. Raises Refused of kind "state" if it is not whole."""
    with told(path):
        try:
            data = path.read_bytes()
        except FileNotFoundError:
            return None
    return _state(parsed(str(path), data, "state"))


def write_state(path: Path, state: State) -> None:
    write_file(path, json.dumps({"schema": SCHEMA, **asdict(state)}, sort_keys=True, indent=1).encode() + b"\n")


def _state(reader: Reader) -> State:
    if reader.whole("schema") != SCHEMA:
        raise reader.refused("schema", f"is not {SCHEMA}")
    trial, check = reader.maybe_object("trial"), reader.maybe_object("last_check")
    state = State(
        kept=tuple(_kept(entry) for entry in reader.objects("kept")),
        current=reader.maybe("current"),
        previous=reader.maybe("previous"),
        trial=None if trial is None else _trial(trial),
        rollback=reader.maybe("rollback"),
        spoilt=reader.text("spoilt"),
        held=tuple(Held(**_texts(entry, Held)) for entry in reader.objects("held")),
        refused=tuple(Refusal(**_texts(entry, Refusal)) for entry in reader.objects("refused")),
        last_check=None if check is None else Check(**_texts(check, Check)),
        history=tuple(Event(**_texts(entry, Event)) for entry in reader.objects("history")),
    )
    reader.end()
    for name in (state.current, state.previous, state.rollback, *(kept.name for kept in state.kept)):
        if name is not None and not split_name(name):
            raise reader.refused("", f"{name[:80]!a} is no version's folder")
    return state


def _kept(reader: Reader) -> Kept:
    size = reader.whole("bytes")
    texts = {name: reader.text(name) for name in ("name", "version", "sha256", "channel", "target", "since")}
    reader.end()
    return Kept(bytes=size, **texts)


def _trial(reader: Reader) -> Trial:
    names = ("version", "sha256", "channel", "target", "phase", "kind", "reason")
    texts = {name: reader.text(name) for name in names}
    trial = Trial(
        bytes=reader.whole("bytes"), attempts=reader.whole("attempts", 1), before=reader.maybe("before"), **texts
    )
    reader.end()
    known = trial.phase in ("testing", "pending", "failed")
    if not known or not all(split_name(name) for name in (trial.name, trial.before) if name is not None):
        raise reader.refused("", "is none that this agent wrote")
    return trial


def _texts(reader: Reader, kind: type[Held | Refusal | Check | Event]) -> dict[str, str]:
    texts = {field.name: reader.text(field.name) for field in fields(kind)}
    reader.end()
    return texts
