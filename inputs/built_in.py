"""The photos that come in scikit-image's wheel: calibration data for a machine that has none of its own.

They are few, so each is seen through several crops, and each crop mirrored: a range that min-max takes from them
comes close to what hundreds of photos give.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import ImageOps

from ..errors import InputError
from .photo import open_photo, prepare
from .preparation import Preparation

__all__ = ["BUILT_IN_PHOTOS", "View", "built_in_views"]

BUILT_IN_PHOTOS = (
    "astronaut.png",
    "chelsea.png",
    "coffee.png",
    "hubble_deep_field.jpg",
    "ihc.png",
    "motorcycle_left.png",
    "retina.jpg",
    "rocket.jpg",
)
"""Colour photos in `skimage/data` that need no download (drawings, stereo twins and grey pictures left out)."""

_CROPS = ((0.0, 0.0, 1.0), (0.0, 0.0, 0.6), (0.4, 0.0, 0.6), (0.0, 0.4, 0.6), (0.4, 0.4, 0.6), (0.25, 0.25, 0.5))
"""Left and top edge and length of the side, as parts of the photo's width and height."""


@dataclass(frozen=True)
class View:
    """A part of a photo, mirrored or not. left, top, side: parts of width and height, in [0, 1]."""

    path: Path
    left: float
    top: float
    side: float
    mirrored: bool

    def read(self, preparation: Preparation) -> NDArray[np.float32]:
        """[C, H, W] float32: the part taken for a whole photo and prepared as one."""
        photo = open_photo(self.path)
        width, height = photo.size
        part = photo.crop(
            (
                round(self.left * width),
                round(self.top * height),
                round((self.left + self.side) * width),
                round((self.top + self.side) * height),
            )
        )
        if self.mirrored:
            part = ImageOps.mirror(part)
        return prepare(part, preparation)


def built_in_views() -> tuple[list[View], int]:
    """All views and the number of photos they are of. Raises InputError if scikit-image is not here."""
    paths = [path for name in BUILT_IN_PHOTOS if (path := _data_folder() / name).is_file()]
    if not paths:
        raise InputError("no calibration data given", "scikit-image's photos are missing", accepted="--calibrate PATH")
    views = [
        View(path, left, top, side, mirrored)
        for left, top, side in _CROPS
        for mirrored in (False, True)
        for path in paths
    ]
    return views, len(paths)


def _data_folder() -> Path:
    # Found, not imported: `import skimage` costs a second and SciPy.
    spec = find_spec("skimage")
    if spec is None or not spec.submodule_search_locations:
        raise InputError(
            "no calibration data given",
            "scikit-image, which has some, is not installed",
            accepted="--calibrate PATH",
        )
    return Path(spec.submodule_search_locations[0]) / "data"
