"""What `sepia ship` prints of boards: plain columns, and a line for whatever is to be known beside."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from .columns import columns

if TYPE_CHECKING:
    from ..ship.bundle import Bundle
    from ..ship.verify import Signed

__all__ = [
    "bundle_text",
    "installed_text",
    "pushed_text",
    "rollback_text",
    "signed_text",
    "status_text",
    "verified_text",
]

Row = Mapping[str, Any]


def installed_text(rows: Sequence[Row]) -> str:
    return "\n".join(line for row in rows for line in _installed(row))


def _installed(row: Row) -> Iterator[str]:
    if row.get("failure"):
        yield f"failed: {row['failure']}"
    elif "removed" in row:
        gone = row["removed"]
        yield f"{row['board']}: {gone['files']} files, {gone['bytes'] / 1e6:.1f} MB taken away"
        yield from _to_do(row["board"], gone)
    else:
        put = row["installed"]
        sent = f"{put['sent'] / 1e3:.0f} kB sent" if put["sent"] else "was there already"
        yield f"{row['board']}: agent {put['agent']} ({sent}), follows {', '.join(put['models'])}; {_run_by(put)}"
        yield from _to_do(row["board"], put)
        yield from (f"{row['board']}: {note}" for note in put["notes"])


def _run_by(put: Row) -> str:
    placed = {
        "system": "its systemd runs it",
        "user": f"its user's systemd runs it, as {put['why']}",
        "none": f"nothing runs it by itself: {put['why']}",
    }
    return placed[put["placed"]]


def _to_do(board: str, told: Row) -> Iterator[str]:
    if told["commands"]:
        yield f"{board}: type there, as a user who may:"
        yield from (f"    {line}" for line in told["commands"])


def pushed_text(rows: Sequence[Row]) -> str:
    """A line a board and model, then the reason of each that is bad, and what was left."""
    heading = ("board", "model", "before", "now", "result", "sent", "test", "wave")
    found = [cells for row in rows if "pushed" in row for cells in _pushed(row)]
    lines = columns([heading, *found]) if found else []
    lines += [
        f"{row['board']}: {model['reason']}"
        for row in rows
        for model in row.get("pushed", {}).get("models", ())
        if model["result"] == "refused"
    ]
    lines += _failures(rows)
    left = [row["board"] for row in rows if row.get("left")]
    if left:
        lines.append(f"stopped there: {len(left)} boards were not tried ({_few(left)})")
    return "\n".join(lines)


def _pushed(row: Row) -> Iterator[tuple[str, ...]]:
    for model in row["pushed"]["models"]:
        yield (
            row["board"],
            model["model"],
            model["before"] or "-",
            model["version"] or "-",
            model["result"],
            f"{model['how']}, {_size(row['pushed']['sent'])}",
            _tested(model),
            str(row["wave"]),
        )


def _tested(told: Row) -> str:
    """What the self-test there found; "-" where there was none."""
    found = []
    if told.get("p50_ms") is not None:
        found.append(f"{told['p50_ms']:.1f} ms")
    if told.get("rss_bytes") is not None:
        found.append(_size(told["rss_bytes"]))
    return ", ".join(found) or "-"


def status_text(rows: Sequence[Row]) -> str:
    """A line a board and model; below, what keeps a board from what it is offered."""
    heading = ("board", "model", "runs", "since", "before", "channel", "target", "last look", "agent")
    found = [cells for row in rows if "status" in row for cells in _status(row)]
    lines = columns([heading, *found]) if found else []
    lines += [line for row in rows if "status" in row for line in _troubles(row)]
    return "\n".join([*lines, *_failures(rows)])


def _status(row: Row) -> Iterator[tuple[str, ...]]:
    told = row["status"]
    for name, model in told["models"].items():
        check = model["last_check"]
        yield (
            row["board"],
            name,
            model["version"] or "nothing",
            model["since"] or "-",
            model["previous"] or "-",
            model["channel"] or "not followed",
            model["target"] or "-",
            f"{check['result']} {check['when']}" if check else "never",
            told["agent"],
        )


def _troubles(row: Row) -> Iterator[str]:
    for name, model in row["status"]["models"].items():
        where = f"{row['board']}: {name}"
        if model["spoilt"]:
            yield f"{where} is spoilt: {model['spoilt']}; next: an update puts it right"
        if model["pending"]:
            yield f"{where} {model['pending']['version']} is on trial ({model['pending']['phase']})"
        for refusal in model["refused"]:
            yield f"{where} {refusal['version']} was refused on {refusal['when']}: {refusal['reason']}"
        for held in model["held"]:
            yield f"{where} {held['version']} is not taken again: it was rolled back from on {held['when']}"
        check = model["last_check"]
        if check and check["reason"] and not any(check["reason"].endswith(one["reason"]) for one in model["refused"]):
            yield f"{where}: the last look ended with: {check['reason']}"


def rollback_text(rows: Sequence[Row]) -> str:
    done = [
        f"{row['board']}: {model['model']} {model['version']} runs"
        for row in rows
        for model in row.get("rolled_back", {}).get("models", {}).values()
    ]
    return "\n".join([*done, *_failures(rows)])


def verified_text(rows: Sequence[Row]) -> str:
    done = [
        f"{row['board']}: {name} {told['version']} is whole" if told["version"] else f"{row['board']}: no {name} runs"
        for row in rows
        for name, told in row.get("verified", {}).get("models", {}).items()
    ]
    return "\n".join([*done, *_failures(rows)])


def signed_text(found: Sequence[Signed]) -> str:
    return "\n".join(
        f"{one.path}: {one.manifest.model} {one.manifest.version} for {one.manifest.target}, whole, signed for in "
        f"{', '.join(one.channels)} (sha256 {one.sha256})"
        for one in found
    )


def bundle_text(made: Bundle) -> str:
    return f"{made.path}: {len(made.manifest.files)} files, {_size(made.bytes)}, sha256 {made.sha256}"


def _failures(rows: Sequence[Row]) -> list[str]:
    return [f"failed: {row['failure']}" for row in rows if row.get("failure")]


def _size(count: int) -> str:
    return f"{count / 1e6:.1f} MB" if count >= 1e6 else f"{count / 1e3:.0f} kB"


def _few(names: Sequence[str]) -> str:
    return ", ".join(names[:5]) + (", …" if len(names) > 5 else "")
