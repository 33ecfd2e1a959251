"""What `sepia ship keys` and `publish` print: plain columns, a line for what waits, and one for what ends soon."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..ship.repository import Checked, Offered, Outcome, Pruned, Published, Role

__all__ = ["checked_text", "columns", "outcome_text", "pruned_text", "published_text"]


def outcome_text(outcome: Outcome, done: str = "") -> str:
    """done: what was asked for, in a few words."""
    return "\n".join(_outcome(outcome, done))


def published_text(published: Sequence[Published]) -> str:
    lines = [line for one in published for line in _published(one)]
    return "\n".join([*lines, *_outcome(published[0].outcome, "", quiet=True)])


def pruned_text(pruned: Pruned) -> str:
    gone = f"{len(pruned.versions)} versions are offered no longer; {pruned.files} files, {pruned.bytes / 1e6:.1f} MB"
    return "\n".join([f"{gone} removed", *_outcome(pruned.outcome, "", quiet=True)])


def checked_text(checked: Checked) -> str:
    roles = columns([("role", "version", "expires", "signed by", "bytes"), *map(_role, checked.roles)])
    lines = ["every board accepts it", "", *roles]
    if checked.offered:
        head = ("model", "channel", "target", "version", "boards", "others", "MB", "deltas", "kept")
        lines += ["", *columns([head, *map(_offered, checked.offered)])]
    lines += [f"waits: {one}" for one in checked.waiting]
    return "\n".join([*lines, *(f"soon: {line}" for line in checked.warnings)])


def columns(rows: Iterable[Sequence[str]]) -> list[str]:
    held = [tuple(row) for row in rows]
    widths = [max(len(cell) for cell in column) for column in zip(*held, strict=True)]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in held]


def _outcome(outcome: Outcome, done: str, *, quiet: bool = False) -> Iterator[str]:
    versions = ", ".join(f"{role} {version}" for role, version in outcome.versions.items())
    if done and versions:
        yield f"{done}; in force: {versions}"
    elif done and not outcome.waiting:
        yield f"{done}; nothing had to change"
    elif done:
        yield f"{done}, once it is signed"
    elif versions and not quiet:
        yield f"in force: {versions}"
    yield from (f"waits: {one}; sign {one.path}" if one.missing else f"waits: {one}" for one in outcome.waiting)
    yield from (f"soon: {line}" for line in outcome.warnings)


def _published(one: Published) -> Iterator[str]:
    where = f"{one.model} {one.version} in {one.channel} for {one.target}"
    if not one.changed:
        yield f"{where}: {one.note}; nothing changed"
        return
    others = f"the others take {one.before}" if one.before else "the others take nothing"
    to_whom = "to every board" if one.rollout >= 1 else f"to {one.rollout:.1%} of the boards, {others}"
    deltas = [f"{size / 1e3:.0f} kB" for size in one.deltas.values()]
    yield f"{where}: {one.bytes / 1e6:.2f} MB {to_whom}" + (f"; deltas of {', '.join(deltas)}" if deltas else "")


def _role(one: Role) -> tuple[str, ...]:
    by = f"{one.threshold} of {', '.join(one.keys)}" if len(one.keys) > 1 else one.keys[0]
    return one.role, str(one.version), one.expires[:16].replace("T", " "), by, str(one.bytes)


def _offered(one: Offered) -> tuple[str, ...]:
    share = f"{one.rollout:.0%}" if one.rollout in (0, 1) else f"{one.rollout:.1%}"
    kept = " ".join(one.kept)
    size = f"{one.bytes / 1e6:.2f}"
    return one.model, one.channel, one.target, one.version, share, one.before or "-", size, str(one.deltas), kept
