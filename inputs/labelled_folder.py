"""A folder of images whose classes are known: what accuracy is measured on."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from ..errors import InputError
from .folder import images_in
from .labels import imagenet_index

__all__ = ["LabelledFolder"]

_INDEX = re.compile(r"(\d+)(?:[_\-. ]|$)")
_SYNSET = re.compile(r"n\d{8}")


class LabelledFolder:
    """Images with their class indices, sorted by path.

    Flat: the file name starts with the index (`012_n01531178.jpg`). Or one sub-folder a class, whose name is, for all
    sub-folders alike: the index (`012`, `012_finch`), a name among `labels`, a synset of ImageNet (`n01531178`), or
    anything else: then the n-th folder in sorted order is class n. `classes_from` says which of these it was.
    """

    def __init__(self, path: Path, labels: Sequence[str] | None = None) -> None:
        """Raises InputError if there is no image, or the class of one cannot be told."""
        self.path = path
        images = images_in(path)
        flat = [image for image in images if image.parent == path]
        if flat and len(flat) < len(images):
            raise InputError(
                str(path),
                "has images beside its sub-folders and in them",
                accepted="all flat, or a sub-folder a class",
            )
        self.classes_from, self._items = _flat(flat) if flat else _by_folder(path, images, labels)

    def __len__(self) -> int:
        return len(self._items)

    def __iter__(self) -> Iterator[tuple[Path, int]]:
        return iter(self._items)

    def check_classes(self, count: int) -> None:
        """Raises InputError if an image's class is not one of `count`, the number of logits."""
        for path, index in self._items:
            if index >= count:
                raise InputError(str(path), f"is of class {index}, but the network has {count} (0 to {count - 1})")


def _flat(images: list[Path]) -> tuple[str, list[tuple[Path, int]]]:
    items = []
    for image in images:
        found = _INDEX.match(image.stem)
        if not found:
            raise InputError(
                str(image), "does not say its class", accepted="a name like 012_n01531178.jpg, or a sub-folder a class"
            )
        items.append((image, int(found[1])))
    return "index in the file name", items


def _by_folder(path: Path, images: list[Path], labels: Sequence[str] | None) -> tuple[str, list[tuple[Path, int]]]:
    def folder_of(image: Path) -> str:
        return image.relative_to(path).parts[0]

    how, indices = _classes(sorted({folder_of(image) for image in images}), labels or ())
    return how, [(image, indices[folder_of(image)]) for image in images]


def _classes(folders: list[str], labels: Sequence[str]) -> tuple[str, dict[str, int]]:
    """How the folders name their classes, and the index of each."""
    numbered = {name: int(found[1]) for name in folders if (found := _INDEX.match(name))}
    if len(numbered) == len(folders):
        return "index in the folder's name", numbered
    if set(folders) <= set(labels):
        return "label in the folder's name", {name: list(labels).index(name) for name in folders}
    synsets = {
        name: index for name in folders if _SYNSET.fullmatch(name) and (index := imagenet_index(name)) is not None
    }
    if len(synsets) == len(folders):
        return "synset in the folder's name", synsets
    return "order of the folders", {name: index for index, name in enumerate(folders)}
