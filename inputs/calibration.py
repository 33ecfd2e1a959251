"""Calibration data: samples of what a network will read, streamed one at a time, from wherever they are."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from .arrays import ArrayFile
from .built_in import built_in_views
from .folder import images_in
from .labelled_folder import LabelledFolder
from .photo import read_photo
from .preparation import Preparation

__all__ = ["CalibrationData", "Sample", "calibration_data"]

Sample = dict[str, NDArray[np.float32]]
"""Input name → [1, …] float32."""


@dataclass(frozen=True)
class CalibrationData:
    """Samples that may be gone through any number of times; one at a time is in memory.

    name: what the report says. built_in: nobody gave data, so these are the photos that come with scikit-image.
    photo_of: for each sample the photo that it is a view of; empty where each is one of its own. labels: for each
    sample the index of its class; empty where nobody said.
    """

    name: str
    built_in: bool
    count: int
    samples: Callable[[], Iterator[Sample]] = field(repr=False, compare=False)
    photo_of: tuple[int, ...] = ()
    labels: tuple[int, ...] = ()

    def __len__(self) -> int:
        return self.count

    def __iter__(self) -> Iterator[Sample]:
        return self.samples()


def calibration_data(
    spec: Path | None,
    inputs: Mapping[str, tuple[int, ...]],
    preparation: Preparation | None,
    *,
    limit: int | None = None,
    labelled: bool = False,
) -> CalibrationData:
    """The samples that `spec` means for a network of these `inputs` (name → shape with the batch first).

    spec: a folder of images (all below it, sorted by path), an .npz (one array an input, [N, …]), an .npy (for a
    network of one input), or None: the photos in scikit-image's wheel. limit: at most so many samples, taken evenly
    over all. labelled: `spec` is a folder that tells its classes, see `LabelledFolder`. Raises InputError naming what
    was found and what was expected.
    """
    if limit is not None and limit < 1:
        raise InputError("calibration", f"a limit of {limit} samples leaves none", accepted="1 and more")
    if labelled and (spec is None or not spec.is_dir()):
        raise InputError(str(spec or "no calibration data given"), "has no labels", accepted="a labelled folder")
    if spec is None:
        return _photos_of_the_wheel(inputs, preparation, limit)
    if spec.is_dir():
        return _folder(spec, inputs, preparation, limit, labelled)
    if not spec.exists():
        raise InputError(str(spec), "does not exist", accepted="a folder of images, an .npz or an .npy file")
    if spec.suffix.lower() in (".npz", ".npy"):
        return _arrays(spec, inputs, limit)
    raise InputError(str(spec), "is no calibration data", accepted="a folder of images, an .npz or an .npy file")


def spread(count: int, limit: int | None) -> list[int]:
    """Indices of at most `limit` of `count` samples, evenly over all: sorted names often mean sorted classes."""
    if limit is None or limit >= count:
        return list(range(count))
    return [index * count // limit for index in range(limit)]


def _photos_of_the_wheel(
    inputs: Mapping[str, tuple[int, ...]], preparation: Preparation | None, limit: int | None
) -> CalibrationData:
    name, known = _photo_input("no calibration data given", inputs, preparation)
    views, photos = built_in_views()
    chosen = [views[index] for index in spread(len(views), limit)]

    def samples() -> Iterator[Sample]:
        for view in chosen:
            yield {name: view.read(known)[np.newaxis]}

    text = f"photos in scikit-image's wheel ({len(chosen)} views of {photos} photos)"
    paths = sorted({view.path for view in chosen})
    return CalibrationData(text, True, len(chosen), samples, photo_of=tuple(paths.index(view.path) for view in chosen))


def _folder(
    folder: Path,
    inputs: Mapping[str, tuple[int, ...]],
    preparation: Preparation | None,
    limit: int | None,
    labelled: bool,
) -> CalibrationData:
    name, known = _photo_input(str(folder), inputs, preparation)
    classes = dict(LabelledFolder(folder)) if labelled else {}
    paths = images_in(folder)
    chosen = [paths[index] for index in spread(len(paths), limit)]

    def samples() -> Iterator[Sample]:
        for path in chosen:
            yield {name: read_photo(path, known)[np.newaxis]}

    labels = tuple(classes[path] for path in chosen) if labelled else ()
    return CalibrationData(f"{folder.name} ({len(chosen)} images)", False, len(chosen), samples, labels=labels)


def _arrays(path: Path, inputs: Mapping[str, tuple[int, ...]], limit: int | None) -> CalibrationData:
    file = ArrayFile.open(path, inputs)
    chosen = spread(file.count, limit)
    return CalibrationData(f"{path.name} ({len(chosen)} samples)", False, len(chosen), lambda: file.samples(chosen))


def _photo_input(
    where: str, inputs: Mapping[str, tuple[int, ...]], preparation: Preparation | None
) -> tuple[str, Preparation]:
    """The one input that takes photos, and how to prepare them. Raises InputError if photos will not do."""
    if len(inputs) != 1:
        names = ", ".join(inputs) or "none"
        raise InputError(
            where, f"photos feed one input, the network has {len(inputs)} ({names})", accepted="an .npz of these names"
        )
    (name, shape), *_ = inputs.items()
    if preparation is None:
        raise InputError(
            where,
            "how photos are prepared for this network is not known: its file has no sepia.preparation",
            hint="give an .npz of prepared arrays, or a model file that says its preparation",
        )
    prepared = (preparation.channels, preparation.height, preparation.width)
    if tuple(shape[1:]) != prepared:
        raise InputError(
            where, f"input '{name}' reads {list(shape[1:])}, but the preparation makes {list(prepared)} (C, H, W)"
        )
    return name, preparation
