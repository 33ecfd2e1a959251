"""Photos prepared once, for all: decoding is no part of anybody's time. `python -m benchmarks.photos FROM TO`."""

from __future__ import annotations

import sys
from pathlib import Path

from .contestants import NETWORK

__all__ = ["link_photos", "prepare"]

ENDINGS = {".jpg", ".jpeg", ".png"}


def prepare(source: Path, destination: Path) -> None:
    """Write `calibration.npy`, `validation.npy` ([N, 3, 224, 224] float32), and the labels of each, [N] int64.

    Those of the validation photos are `labels.npy`, those of the others `calibration-labels.npy`.

    source: a folder with `calibration/` and `validation/`, file names `index_synset.jpg`; index is the class.
    """
    import numpy as np
    from sepia.inputs import read_photo
    from sepia.models.zoo import ZOO

    preparation = ZOO[NETWORK].preparation
    destination.mkdir(parents=True, exist_ok=True)
    for part in ("calibration", "validation"):
        paths = sorted(path for path in (source / part).iterdir() if path.suffix.lower() in ENDINGS)
        np.save(destination / f"{part}.npy", np.stack([read_photo(path, preparation) for path in paths]))
        labels = np.array([int(path.name.partition("_")[0]) for path in paths], dtype=np.int64)
        np.save(destination / ("labels.npy" if part == "validation" else f"{part}-labels.npy"), labels)


def link_photos(source: Path, destination: Path) -> int:
    """Links to every photo of both parts in one folder, for calibration with more than one part holds; how many."""
    destination.mkdir(parents=True, exist_ok=True)
    for part in ("calibration", "validation"):
        for path in sorted((source / part).iterdir()):
            link = destination / f"{part}-{path.name}"
            if path.suffix.lower() in ENDINGS and not link.is_symlink():
                link.symlink_to(path.resolve())
    return sum(1 for _ in destination.iterdir())


if __name__ == "__main__":
    prepare(Path(sys.argv[1]), Path(sys.argv[2]))
