"""What is published, brought to a board over SSH: the part that it needs into its inbox, and its agent told to take it.

The board trusts nothing that comes this way more than what it would pull: the same signatures, digests, self-test.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ..devices.provision import push as put
from ..devices.transport import Transport
from ..errors import BoardError
from .ask import Answer, ask
from .install import ROOT
from .parts import Need, Part, RepositoryFolder
from .status import status as status_of

__all__ = ["Chosen", "PushedModel", "PushedTo", "push"]

_UPDATING_S = 3600.0
_OTHERS_S = 900.0
"""How long the agent waits for another run on the same board: its own download and self-test."""

Progress = Callable[[int, int], None]
"""Bytes sent, bytes to send."""


@dataclass(frozen=True)
class Chosen:
    """model, channel, sha256: push these alone (the last: this one bundle alone); None: whatever the board follows."""

    model: str | None = None
    channel: str | None = None
    sha256: str | None = None


@dataclass(frozen=True)
class PushedModel:
    """result: the agent's word ("switched", "current", "held", "refused", …). before, version: what ran, and runs now.

    how: what was sent of it, "whole", "delta" or "nothing". kind, reason: of what was refused. p50_ms, rss_bytes, rms:
    of the self-test on the board.
    """

    model: str
    before: str | None
    offered: str | None
    version: str | None
    result: str
    how: str
    kind: str = ""
    reason: str = ""
    p50_ms: float | None = None
    rss_bytes: int | None = None
    rms: float | None = None


@dataclass(frozen=True)
class PushedTo:
    """sent: bytes of files that went to the board. whole_bytes: what the bundles would have taken."""

    models: tuple[PushedModel, ...]
    sent: int
    whole_bytes: int
    lines: tuple[str, ...]

    @property
    def ok(self) -> bool:
        return all(model.result != "refused" for model in self.models)

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def push(
    transport: Transport,
    repository: RepositoryFolder,
    chosen: Chosen = Chosen(),
    *,
    root: str = ROOT,
    again: bool = False,
    progress: Progress = lambda sent, total: None,
) -> PushedTo:
    """Bring the board to what `repository` offers it. again: what it refused or held before is tried once more.

    A model that the board refuses is in what is given back, and what ran goes on running. Raises BoardError (not
    reached, no agent, no room, nothing that it follows is chosen) and InputError (the repository).
    """
    status = status_of(transport, root)
    needs = _needs(transport, status, repository, chosen)
    parts = tuple(repository.part(need) for need in needs)
    _refuse_others(transport, parts, chosen)
    sent, answer = _deliver(transport, repository, needs, parts, root, again, progress)
    late = _in_vain(answer, parts)
    if late:
        parts = tuple(repository.part(need, whole=need.model in late) for need in needs)
        more, answer = _deliver(transport, repository, needs, parts, root, again, progress)
        sent += more
    models = tuple(_model(status, part, answer) for part in parts)
    return PushedTo(models, sent, sum(part.whole_bytes for part in parts), answer.lines)


def _needs(
    transport: Transport, status: Mapping[str, Any], repository: RepositoryFolder, chosen: Chosen
) -> tuple[Need, ...]:
    followed = {name: told for name, told in status["models"].items() if told["followed"]}
    found = tuple(
        Need(status["board"], name, told["channel"], told["target"], _kept(told))
        for name, told in followed.items()
        if chosen.model in (None, name) and chosen.channel in (None, told["channel"])
    )
    if not found:
        what = " ".join(word for word in (chosen.model, chosen.channel) if word) or "anything"
        told = ", ".join(f"{name} {one['channel']}" for name, one in followed.items()) or "nothing"
        raise BoardError(transport.name, f"does not follow {what}", accepted=told)
    there = tuple(need for need in found if repository.has(need.model, need.channel))
    if not there:
        told = ", ".join(f"{need.model} {need.channel}" for need in found)
        raise BoardError(transport.name, f"follows {told}, which {repository.folder} does not have")
    return there


def _kept(told: Mapping[str, Any]) -> frozenset[str]:
    return frozenset(entry["sha256"] for entry in told["kept"] if entry["sha256"])


def _refuse_others(transport: Transport, parts: Sequence[Part], chosen: Chosen) -> None:
    """One bundle was named, and the board would take another."""
    if chosen.sha256 is None or any(part.sha256 == chosen.sha256 for part in parts):
        return
    told = ", ".join(f"{part.model} {part.version}" for part in parts if part.version) or "nothing"
    hint = "sepia ship publish puts a bundle into a channel"
    raise BoardError(transport.name, f"that bundle is not what is offered to it: {told} is", hint=hint)


def _deliver(
    transport: Transport,
    repository: RepositoryFolder,
    needs: Sequence[Need],
    parts: Sequence[Part],
    root: str,
    again: bool,
    progress: Progress,
) -> tuple[int, Answer]:
    files = repository.metadata(needs)
    for part in parts:
        files.update(part.files)
    # A name of its own: of two who push the same, the first one's agent takes its inbox away.
    inbox = f"{_digest(files)}-{secrets.token_hex(4)}"
    pushed = put(transport, files, f"{root}/inbox/{inbox}", progress=progress)
    words = ["--wait", f"{_OTHERS_S:.0f}", "update", "--inbox", inbox, *(["--again"] if again else [])]
    if len(needs) == 1:
        words += ["--model", needs[0].model]
    return pushed.sent, ask(transport, root, *words, deadline=_UPDATING_S, refusal=True)


def _digest(files: Mapping[str, Path]) -> str:
    return hashlib.sha256(json.dumps(sorted(files)).encode()).hexdigest()[:12]


def _in_vain(answer: Answer, parts: Sequence[Part]) -> frozenset[str]:
    """Models of which a delta was sent that could not be used there: the agent then looks for the whole bundle."""
    models = answer.told.get("models", {})
    return frozenset(
        part.model for part in parts if part.how == "delta" and models.get(part.model, {}).get("kind") == "missing"
    )


def _model(status: Mapping[str, Any], part: Part, answer: Answer) -> PushedModel:
    before = status["models"][part.model]["version"]
    done = answer.told.get("models", {}).get(part.model)
    if done is None:
        reason = str(answer.told.get("error", "said nothing of it"))
        return PushedModel(part.model, before, part.version, before, "refused", part.how, answer.kind, reason)
    figures = {name: done.get(name) for name in ("p50_ms", "rss_bytes", "rms")}
    return PushedModel(
        model=part.model,
        before=before,
        offered=done.get("offered") or part.version,
        version=done.get("version"),
        result=done["result"],
        how=part.how,
        kind=done.get("kind", ""),
        reason=done.get("reason", ""),
        **figures,
    )
