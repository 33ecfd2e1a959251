"""Losses that were measured already, kept in a file: a run that is stopped does not measure them again."""

from __future__ import annotations

import json
from pathlib import Path

from ...errors import OutputError
from ...files import write_text
from .descend import Chosen, LossOf

__all__ = ["remembering"]


def remembering(loss_of: LossOf, path: Path | None, key: str) -> LossOf:
    """`loss_of`, each set measured once. path: one JSON row a measurement, added as it is made. key: of all else that
    decides a loss; a file of another key is begun anew. Raises OutputError where the disk refuses it.
    """
    known = {} if path is None else _read(path, key)
    if path is not None:
        # Whole again: the last row may have been cut off.
        rows = [{"key": key}, *({"set": name, "loss": loss} for name, loss in known.items())]
        write_text(path, "".join(json.dumps(row) + "\n" for row in rows))

    def measured(chosen: Chosen) -> float:
        name = " | ".join(chosen[layer].key for layer in sorted(chosen))
        if name not in known:
            known[name] = loss_of(chosen)
            if path is not None:
                _add(path, {"set": name, "loss": known[name]})
        return known[name]

    return measured


def _read(path: Path, key: str) -> dict[str, float]:
    found: dict[str, float] = {}
    try:
        rows = [json.loads(line) for line in _whole_lines(path)]
        if not rows or rows[0].get("key") != key:
            return {}
        for row in rows[1:]:
            found[str(row["set"])] = float(row["loss"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}
    return found


def _whole_lines(path: Path) -> list[str]:
    """Without one that was being written when the run was stopped."""
    text = path.read_text(encoding="utf-8")
    return text[: text.rfind("\n") + 1].splitlines()


def _add(path: Path, row: dict[str, object]) -> None:
    try:
        with path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(row) + "\n")
    except OSError as error:
        raise OutputError(str(path), f"cannot be written ({error.strerror or error})") from error
