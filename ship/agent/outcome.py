"""What a run has come to, as one JSON object says it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from . import __version__
from .errors import Refused

__all__ = ["Done", "Outcome"]


@dataclass(frozen=True)
class Done:
    """Of one model.

    result: "current" (nothing to do), "switched", "mended", "held", "not offered", or "refused". offered: the version.
    version, sha256: of what runs now, None if nothing does. kind, reason, hint: of what was refused, "" else. notes:
    what else is to be told, of the clock for one. bytes, requests: of the repository. delta: whether one was enough.
    p50_ms, rss_bytes, rms: of the self-test.
    """

    model: str
    result: str
    version: str | None = None
    sha256: str | None = None
    offered: str | None = None
    in_rollout: bool | None = None
    kind: str = ""
    reason: str = ""
    hint: str = ""
    notes: tuple[str, ...] = ()
    bytes: int = 0
    requests: int = 0
    delta: bool = False
    p50_ms: float | None = None
    rss_bytes: int | None = None
    rms: float | None = None
    seconds: float = 0.0

    @property
    def ok(self) -> bool:
        return self.result != "refused"


@dataclass(frozen=True)
class Outcome:
    """Of one run on one board."""

    board: str
    models: tuple[Done, ...]

    @property
    def ok(self) -> bool:
        return all(done.ok for done in self.models)

    def of(self, model: str) -> Done:
        """Raises Refused if the run was not about it."""
        for done in self.models:
            if done.model == model:
                return done
        raise Refused(self.board, f"nothing was done about {model!a}", kind="config")

    def json(self) -> dict[str, Any]:
        """error, hint and kind: of the first model that was refused."""
        told: dict[str, Any] = {
            "ok": self.ok,
            "board": self.board,
            "agent": __version__,
            "models": {done.model: asdict(done) for done in self.models},
        }
        bad = next((done for done in self.models if not done.ok), None)
        if bad is not None:
            told |= {"error": bad.reason, "hint": bad.hint, "kind": bad.kind}
        return told
