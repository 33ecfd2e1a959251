"""What logits are worth beside the float network's, on photos and their mirror images."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from .intervals import rms_interval, wilson

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["Figures", "figures_of", "views_of"]


@dataclass(frozen=True)
class Figures:
    """Over `views` of half as many photos. top1, agreement: shares; rms: of all logits' errors against float.

    Each (low, high) is a 95 % interval: Wilson's of a share, as if views were independent; of rms, bootstrap over
    photos.
    """

    views: int
    top1: float
    agreement: float
    agreement_interval: tuple[float, float]
    rms: float
    rms_interval: tuple[float, float]


def views_of(photos: NDArray[np.float32]) -> NDArray[np.float32]:
    """[N, C, H, W] → [N, 2, C, H, W]: each photo and its mirror image, left and right exchanged."""
    import numpy as np

    return np.stack([photos, photos[..., ::-1]], axis=1)


def figures_of(found: NDArray[np.float32], wanted: NDArray[np.float32], labels: NDArray[np.int64]) -> Figures:
    """found, wanted: [photos, views, classes], the file's logits and the float network's. labels: [photos]."""
    import numpy as np

    best, right = found.argmax(axis=2), wanted.argmax(axis=2)
    same = best == right
    squares = np.square(found.astype(np.float64) - wanted).mean(axis=2)
    return Figures(
        views=same.size,
        top1=float((best == labels[:, None]).mean()),
        agreement=float(same.mean()),
        agreement_interval=wilson(int(same.sum()), same.size),
        rms=float(np.sqrt(squares.mean())),
        rms_interval=rms_interval(squares),
    )
