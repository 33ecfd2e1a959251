"""What `sepia ship` prints of boards: plain columns, and a line for whatever is to be known beside."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

__all__ = ["installed_text"]

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
