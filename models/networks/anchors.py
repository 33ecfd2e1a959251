"""Anchors: where a detector's predictions begin. NumPy alone, for the host.

An anchor is (y, x, height, width): its centre and size, in units of the image's height and width.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import sqrt

import numpy as np
from numpy.typing import NDArray

__all__ = ["blazeface_anchors", "ssd_anchors"]


def ssd_anchors(grids: Sequence[tuple[int, int]]) -> NDArray[np.float32]:
    """[A, 4]: three shapes at each position of the first grid, six on the others, as `SSDLite` predicts them.

    grids: rows and columns of each map, two or more; ((19, 19), (10, 10), (5, 5), (3, 3), (2, 2), (1, 1)) for 300×300.
    Scales from 0.2 to 0.95, aspect ratios 1, 2, 1/2, 3, 1/3, and a square between this scale and the next: Liu et al.
    2016, arXiv:1512.02325, section 2.2, with the fewer shapes of the first map, and the 0.3333, that TensorFlow's
    `multiple_grid_anchor_generator.create_ssd_anchors` has.
    """
    scales = [0.2 + 0.75 * index / (len(grids) - 1) for index in range(len(grids))] + [1.0]
    first = [(0.1, 1.0), (scales[0], 2.0), (scales[0], 0.5)]
    parts = [_on_grid(grids[0], first)]
    for grid, scale, larger in zip(grids[1:], scales[1:-1], scales[2:], strict=True):
        shapes = [(scale, ratio) for ratio in (1.0, 2.0, 0.5, 3.0, 0.3333)]
        parts.append(_on_grid(grid, [*shapes, (sqrt(scale * larger), 1.0)]))
    return np.concatenate(parts)


def blazeface_anchors() -> NDArray[np.float32]:
    """[896, 4]: two anchors at each of 16×16 positions, six at each of 8×8, all of the image's whole size.

    Bazarevsky et al. 2019, arXiv:1907.05047, section 3.2; the size is MediaPipe's `fixed_anchor_size`.
    """
    return np.concatenate([_on_grid((16, 16), [(1.0, 1.0)] * 2), _on_grid((8, 8), [(1.0, 1.0)] * 6)])


def _on_grid(grid: tuple[int, int], shapes: Sequence[tuple[float, float]]) -> NDArray[np.float32]:
    """Rows, columns, shapes: the last runs fastest. shapes: scale and aspect ratio (width over height)."""
    rows, columns = grid
    sizes = np.array([(scale / sqrt(ratio), scale * sqrt(ratio)) for scale, ratio in shapes])
    y, x = np.meshgrid((np.arange(rows) + 0.5) / rows, (np.arange(columns) + 0.5) / columns, indexing="ij")
    centres = np.stack([y, x], axis=-1).reshape(-1, 2)
    anchors = np.hstack([np.repeat(centres, len(shapes), axis=0), np.tile(sizes, (len(centres), 1))])
    return anchors.astype(np.float32)
