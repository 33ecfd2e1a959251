"""The operator's command after a switch: whether the application does well with the new version."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from . import child
from .child import Limits

__all__ = ["DEADLINE_S", "Health", "check"]

DEADLINE_S = 60.0
_OUTPUT_BYTES = 16 << 20


@dataclass(frozen=True)
class Health:
    """reason: one line why not, with the last line that the command said; "" if ok."""

    ok: bool
    reason: str
    last_line: str
    seconds: float


def check(
    command: Sequence[str],
    *,
    folder: Path,
    run_with: Sequence[str] = (),
    told: Mapping[str, str] = {},
    deadline_s: float = DEADLINE_S,
) -> Health:
    """Run it; exit code 0 is well. command: words, without a shell. folder: where it runs.

    It gets our own environment and `told`. Whatever it leaves running in its group is ended.
    """
    if not command:
        return Health(False, "no command is given", "", 0.0)
    limits = Limits(deadline_s, output_bytes=_OUTPUT_BYTES)
    try:
        ended = child.run([*run_with, *command], folder=folder, environment={**os.environ, **told}, limits=limits)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        return Health(False, f"{command[0]}: cannot be started ({reason})", "", 0.0)
    said = ended.last_line or child.last_line(ended.output)
    reason = f"{command[0]}: {ended.failure}" + (f" ({said})" if said else "") if ended.failure else ""
    return Health(not reason, reason, said, ended.seconds)
