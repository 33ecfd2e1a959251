"""A version proves itself: self-test beside the running one, switch, the operator's health command; or it is given up.

What is decided is written to state.json before it is done, so that a cut leaves a sentence to be finished:

    trial "testing"   it lies whole in versions/ and does not run
    trial "pending"   it may be what `current` is; health has not confirmed it
    trial "failed"    `current` goes back to `before`, and the bundle is refused, with the reason
    no trial          it is kept, and is `current`; or it is refused, and its folder is to be removed
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from . import __version__
from .errors import Refused
from .layout import ModelFolder
from .manifest import Manifest
from .prune import discard
from .selftest import Verdict
from .state import MOST_ATTEMPTS, Kept, Refusal, State, Trial, write_state
from .switch import current_name, switch_to
from .work import Work

__all__ = [
    "BLAMED",
    "Proved",
    "confirm",
    "drop_other",
    "fail",
    "finish_failure",
    "prove",
    "refusal_of",
    "refuse",
    "resume",
]

BLAMED = frozenset({"archive", "digest", "limit", "manifest"})
"""Kinds of what is the bundle's own fault, so that it is not tried again."""


@dataclass(frozen=True)
class Proved:
    """refusal: None if it is what runs now. tested: what the self-test found, None if it did not come to it."""

    state: State
    refusal: Refusal | None
    tested: Verdict | None = None


def prove(work: Work, folder: ModelFolder, state: State, trial: Trial, manifest: Manifest) -> Proved:
    """Try the version out that lies whole in versions/, and switch to it if it is well.

    Raises Refused of kind "board" where it was this board that failed: the bundle may pass later.
    """
    state = begin(folder, state, trial)
    if trial.attempts > MOST_ATTEMPTS:
        return fail(work, folder, state, trial, "cut", _given_up(trial))
    tested = test(work, folder, trial, manifest)
    if tested.worth_again:
        write_state(folder.state, replace(state, trial=None))
        raise Refused(trial.version, tested.reason, kind="board", hint="it is tried again by the next update")
    if not tested.ok:
        return replace(fail(work, folder, state, trial, "self-test", tested.reason), tested=tested)
    state = mark_pending(folder, state, trial)
    switch_to(folder, trial.name)
    return replace(confirm(work, folder, state, trial), tested=tested)


def begin(folder: ModelFolder, state: State, trial: Trial) -> State:
    """The attempt is counted before anything of the bundle runs: what it does to the board cannot undo that."""
    return _written(folder, replace(state, trial=replace(trial, phase="testing")))


def test(work: Work, folder: ModelFolder, trial: Trial, manifest: Manifest) -> Verdict:
    work.tell(f"{folder.model} {trial.version}: self-test")
    return work.test(folder, trial.name, manifest)


def mark_pending(folder: ModelFolder, state: State, trial: Trial) -> State:
    return _written(folder, replace(state, trial=replace(trial, phase="pending")))


def confirm(work: Work, folder: ModelFolder, state: State, trial: Trial) -> Proved:
    """It is current: tell the application, ask for its health, and keep the version or go back."""
    reason = work.ask(folder, trial.version)
    if reason:
        return fail(work, folder, state, trial, "health", reason)
    work.tell(f"{folder.model} {trial.version}: runs")
    return Proved(mark_good(work, folder, state, trial), None)


def mark_good(work: Work, folder: ModelFolder, state: State, trial: Trial) -> State:
    kept = Kept(trial.name, trial.version, trial.sha256, trial.bytes, trial.channel, trial.target, work.when())
    state = replace(
        state,
        kept=(*(other for other in state.kept if other.name != kept.name), kept),
        current=kept.name,
        previous=trial.before,
        trial=None,
        spoilt="",
        held=(),
        refused=tuple(refusal for refusal in state.refused if refusal.sha256 != trial.sha256),
    )
    return _written(folder, state.noting(work.now(), "switched", trial.version))


def fail(work: Work, folder: ModelFolder, state: State, trial: Trial, kind: str, reason: str) -> Proved:
    """Give it up: written first, then done."""
    trial = replace(trial, phase="failed", kind=kind, reason=reason)
    return finish_failure(work, folder, _written(folder, replace(state, trial=trial)), trial)


def finish_failure(work: Work, folder: ModelFolder, state: State, trial: Trial) -> Proved:
    work.tell(f"{folder.model} {trial.version}: {trial.reason}; {trial.before or 'nothing'} goes on")
    if current_name(folder) == trial.name:
        switch_to(folder, trial.before)
        before = state.of(trial.before)
        if before is not None:
            work.ask(folder, before.version)  # it was well before, and there is no other to go to
    refusal = refusal_of(work, trial.version, trial.sha256, trial.kind, trial.reason)
    state = refuse(work, folder, replace(state, trial=None), refusal)
    if state.of(trial.name) is None:
        discard(folder, trial.name)
    return Proved(state, refusal)


def refuse(work: Work, folder: ModelFolder, state: State, refusal: Refusal) -> State:
    state = state.refusing(refusal)
    return _written(folder, state.noting(work.now(), "refused", refusal.version, f"{refusal.kind}: {refusal.reason}"))


def resume(work: Work, folder: ModelFolder, state: State, trial: Trial) -> State:
    """What a cut left of a trial, finished or undone."""
    if trial.phase == "failed":
        return finish_failure(work, folder, state, trial).state
    if trial.phase == "testing":
        return state  # the next update begins it again, if it is still offered
    if current_name(folder) != trial.name:
        work.tell(f"{folder.model} {trial.version}: was not switched to; {trial.before or 'nothing'} goes on")
        return _written(folder, replace(state, trial=replace(trial, phase="testing")))
    trial = replace(trial, attempts=trial.attempts + 1)
    state = _written(folder, replace(state, trial=trial))
    if trial.attempts > MOST_ATTEMPTS:
        return fail(work, folder, state, trial, "cut", _given_up(trial)).state
    return confirm(work, folder, state, trial).state


def drop_other(folder: ModelFolder, state: State, sha256: str) -> State:
    """A trial that a cut left is over where another bundle is offered."""
    trial = state.trial
    if trial is None or trial.sha256 == sha256:
        return state
    state = _written(folder, replace(state, trial=None))
    if state.of(trial.name) is None:
        discard(folder, trial.name)
    return state


def _given_up(trial: Trial) -> str:
    return f"{trial.attempts - 1} attempts ended without an answer (power cut, restart or kill)"


def refusal_of(work: Work, version: str, sha256: str, kind: str, reason: str) -> Refusal:
    return Refusal(version, sha256, kind, reason, work.when(), __version__, work.circumstances())


def _written(folder: ModelFolder, state: State) -> State:
    write_state(folder.state, state)
    return state
