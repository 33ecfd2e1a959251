"""The one tree of exceptions. Whatever a user can cause ends in a `SepiaError`; anything else is a bug of ours.

    SepiaError
    ├── InputError           a file, folder, photo or array that cannot be used
    ├── ModelError           a network that cannot be loaded, captured or named
    ├── GraphError           an ONNX graph that breaks a rule of `graph/`
    │   ├── MovedBatch               an open batch that does not stay in front
    │   └── UnsupportedQuantization   a quantised graph that cannot be read exactly, all reasons at once
    ├── UnsupportedOps       ops that a format cannot carry, all of them at once
    ├── QuantizeError        calibration or quantisation cannot go on
    ├── RuntimeUnavailable   a runtime that is not installed, or has no wheel here
    ├── RunError             a runtime that refused a file or failed in running it
    ├── TrustError           something that is not signed as it must be, or a key that cannot be used
    ├── BoardError           a board that cannot be reached, refused something, or was lost
    ├── ConfigError          `sepia.toml`, a recipe, a budget or an option
    └── OutputError          a result that cannot be written

Each says where, what, what is accepted, and what next, in one line.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

__all__ = [
    "BoardError",
    "ConfigError",
    "GraphError",
    "InputError",
    "ModelError",
    "MovedBatch",
    "OutputError",
    "QuantizeError",
    "Refusal",
    "RunError",
    "RuntimeUnavailable",
    "SepiaError",
    "TrustError",
    "UnsupportedOps",
    "UnsupportedQuantization",
    "nearest",
]


class SepiaError(Exception):
    """A user's error, told in one line.

    where: the file, node or option. what: what is wrong with it. accepted: what would do. hint: what to do next.
    `str()` joins them; the command line prints that and exits with 1.
    """

    def __init__(self, where: str, what: str, *, accepted: str = "", hint: str = "") -> None:
        self.where = where
        self.what = what
        self.accepted = accepted
        self.hint = hint
        super().__init__(where, what)

    def __str__(self) -> str:
        parts = [f"{self.where}: {self.what}"]
        if self.accepted:
            parts.append(f"accepted: {self.accepted}")
        if self.hint:
            parts.append(f"next: {self.hint}")
        return "; ".join(" ".join(part.split()) for part in parts)


class InputError(SepiaError):
    """A file, folder, photo or array that cannot be used."""


class ModelError(SepiaError):
    """A network that cannot be loaded, captured or named."""


class GraphError(SepiaError):
    """An ONNX graph that breaks a rule of `graph/`."""


class MovedBatch(GraphError):
    """An open batch that a node puts behind the first dimension, or makes part of a size there."""


class UnsupportedQuantization(GraphError):
    """Every node of a quantised graph that cannot be read exactly. One alone is told as such."""

    def __init__(self, refusals: Sequence[GraphError], *, where: str = "") -> None:
        self.refusals = tuple(refusals)
        if len(self.refusals) == 1 and not where:
            (only,) = self.refusals
            super().__init__(only.where, only.what, accepted=only.accepted, hint=only.hint)
            return
        listing = " | ".join(str(refusal) for refusal in self.refusals)
        super().__init__(where or "quantised graph", f"cannot be carried over exactly: {listing}")


class QuantizeError(SepiaError):
    """Calibration or quantisation cannot go on."""


class RuntimeUnavailable(SepiaError):
    """A runtime that is not installed, or that has no wheel for this Python or processor."""


class RunError(SepiaError):
    """A runtime refused a file or failed while running it."""


class BoardError(SepiaError):
    """A board that cannot be reached, refused something, or was lost. where: the board, as the user named it."""


class TrustError(SepiaError):
    """Something that is not signed as it must be, or a key that cannot be used."""


class ConfigError(SepiaError):
    """A key of `sepia.toml`, a recipe, a budget or a command-line option."""


class OutputError(SepiaError):
    """A result that cannot be written."""


@dataclass(frozen=True)
class Refusal:
    """One node that a format cannot carry: its name, its op (with its kind), the reason, and what would do instead."""

    node: str
    op: str
    reason: str
    hint: str = ""

    def __str__(self) -> str:
        return f"'{self.node}' ({self.op}): {self.reason}" + (f" — {self.hint}" if self.hint else "")


class UnsupportedOps(SepiaError):
    """Every node of a graph that a format refuses, gathered before a byte is written."""

    def __init__(self, where: str, target: str, refusals: Sequence[Refusal], *, hint: str = "") -> None:
        self.refusals = tuple(refusals)
        listing = " | ".join(str(refusal) for refusal in self.refusals)
        super().__init__(where, f"cannot be written as {target}: {listing}", hint=hint)


def nearest(word: str, known: Iterable[str], *, most: int = 3) -> str:
    """What is accepted instead of `word`: the nearest known names, or all of them if none is near."""
    names = sorted(known)
    close = get_close_matches(word, names, n=most, cutoff=0.5)
    return "did you mean " + " or ".join(close) + "?" if close else ", ".join(names)
