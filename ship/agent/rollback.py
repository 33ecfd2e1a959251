"""Back to a version that is kept, by hand; what is left is held: not installed again until another is offered."""

from __future__ import annotations

from .errors import Refused
from .layout import ModelFolder
from .lock import locked
from .mend import look
from .outcome import Done
from .recover import recover
from .rollback_turn import begin_rollback, finish_rollback
from .state import Kept, State
from .switch import current_name
from .work import Work

__all__ = ["rollback"]


def rollback(work: Work, model: str, to: str | None = None) -> Done:
    """Switch to the version before, or to `to` (a version, or the name of its folder), after every byte of it is read.

    The operator's commands are asked after it; whatever they say, it stays: that is for who called to judge. Raises
    Refused if there is none, it is not kept, or it is spoilt; nothing is changed then.
    """
    folder = work.folder(model)
    if model not in (*work.config.models, *work.layout.models()):
        work.config.followed(model)
    with locked(folder.lock, work.wait_s):
        state = recover(work, folder)
        kept = _wanted(folder, state, to)
        reason = look(folder, kept.name, kept.sha256)
        if reason:
            hint = f"kept: {_told(state)}"
            raise Refused(f"{model} {kept.version}", f"is spoilt: {reason}", kind="digest", hint=hint)
        left = state.of(current_name(folder))
        state = finish_rollback(work, folder, begin_rollback(folder, state, kept.name))
        work.tell(f"{model}: {kept.version} runs, {left.version if left else 'nothing'} is left")
        reason = work.ask(folder, kept.version)
    return Done(
        model,
        "refused" if reason else "switched",
        version=kept.version,
        sha256=kept.sha256 or None,
        kind="health" if reason else "",
        reason=f"{model} {kept.version} runs, and its health is not well: {reason}" if reason else "",
    )


def _wanted(folder: ModelFolder, state: State, to: str | None) -> Kept:
    if to is None:
        kept = state.of(state.previous)
        if kept is None:
            hint = f"say --to; kept: {_told(state)}" if len(state.kept) > 1 else ""
            raise Refused(folder.model, "no version before this one is kept", kind="missing", hint=hint)
        return kept
    found = [kept for kept in state.kept if to in (kept.version, kept.name)]
    if not found:
        raise Refused(folder.model, f"version {to[:80]!a} is not kept", kind="missing", hint=f"kept: {_told(state)}")
    if found[-1].name == current_name(folder):
        raise Refused(folder.model, f"version {to} runs already", kind="missing", hint=f"kept: {_told(state)}")
    return found[-1]


def _told(state: State) -> str:
    return ", ".join(kept.version for kept in state.kept) or "none"
