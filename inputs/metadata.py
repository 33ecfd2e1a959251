"""Preparation and labels as the text pairs that every file format carries."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from .labels import labels_from_json, labels_to_json
from .preparation import LABELS_KEY, PREPARATION_KEY, Preparation

__all__ = ["labels_of", "preparation_of", "to_metadata"]


def to_metadata(preparation: Preparation | None, labels: Sequence[str] | None) -> dict[str, str]:
    """Key → text, for what is known."""
    found: dict[str, str] = {}
    if preparation is not None:
        found[PREPARATION_KEY] = preparation.to_json()
    if labels is not None:
        found[LABELS_KEY] = labels_to_json(labels)
    return found


def preparation_of(metadata: Mapping[str, str], *, where: str) -> Preparation | None:
    """The preparation that a file carries, or None. Raises InputError naming `where` if it is spoilt."""
    text = metadata.get(PREPARATION_KEY)
    return None if text is None else Preparation.from_json(text, where=where)


def labels_of(metadata: Mapping[str, str], *, where: str) -> tuple[str, ...] | None:
    """The class names that a file carries, or None. Raises InputError naming `where` if they are spoilt."""
    text = metadata.get(LABELS_KEY)
    return None if text is None else labels_from_json(text, where=where)
