"""Integer codes that keep a layer's outputs, not its weights: min (w − s·q)ᵀ·H·(w − s·q) over the codes q of a filter.

First GPTQ (Frantar et al. 2022, arXiv:2210.17323, section 3, algorithm 1): one weight after the other is rounded, and
those that wait make up for its error. Then coordinate descent on the same loss: each code in turn is set to its best
given all others, until none moves. The first gives a good start, the second undoes what its order did; it can only
lower the loss.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["descend", "gptq", "quadratic_loss", "round_quadratic"]

_BLOCK = 128
"""Columns rounded before the waiting ones hear of it: as in the paper, a product of matrices is quicker than its
columns one by one."""
_SWEEPS = 20

Floats = NDArray[np.float64]


def round_quadratic(weight: Floats, scale: Floats, moments: Floats, *, ridge: float, limit: int) -> NDArray[np.int8]:
    """Codes [G, R, K] in [−limit, limit] of `weight` [G, R, K] on the grids of `scale` [G, R].

    moments: H, [G, K, K], symmetric, positive semidefinite; the R filters of a group share one. ridge: added to its
    diagonal as a share of the diagonal's mean: what the samples did not show must not be taken for free. A filter whose
    nearest codes are better than those found keeps the nearest.
    """
    damped = _damped(moments, ridge)
    near = _nearest(weight, scale, limit)
    found = descend(weight, scale, damped, gptq(weight, scale, damped, limit=limit), limit=limit)
    from_near = descend(weight, scale, damped, near, limit=limit)
    better = quadratic_loss(weight, scale, damped, from_near) < quadratic_loss(weight, scale, damped, found)
    return np.where(better[..., None], from_near, found).astype(np.int8)


def quadratic_loss(weight: Floats, scale: Floats, moments: Floats, codes: Floats) -> Floats:
    """(w − s·q)ᵀ·H·(w − s·q) of each filter, [G, R]."""
    error = weight - scale[..., None] * codes
    loss: Floats = np.einsum("grk,grk->gr", np.matmul(error, moments), error)
    return loss


def gptq(weight: Floats, scale: Floats, moments: Floats, *, limit: int) -> Floats:
    """Algorithm 1 with the columns in the order of their diagonal in H, greatest first. moments: positive definite.

    Returns codes, [G, R, K], as whole numbers.
    """
    order = np.argsort(-np.diagonal(moments, axis1=1, axis2=2), axis=1)
    codes = np.empty_like(weight)
    for group in range(weight.shape[0]):
        turn = order[group]
        # Upper triangle U with H⁻¹ = Uᵀ·U: row k holds what column k's error does to those after it.
        inverse = np.linalg.inv(moments[group][np.ix_(turn, turn)])
        upper = np.linalg.cholesky((inverse + inverse.T) / 2).T.astype(np.float64)
        codes[group][:, turn] = _in_turn(weight[group][:, turn], scale[group], upper, limit)
    return codes


def _in_turn(weight: Floats, scale: Floats, upper: Floats, limit: int) -> Floats:
    """One group, columns in order: [R, K]."""
    left, codes = weight.copy(), np.empty_like(weight)
    width = weight.shape[1]
    for start in range(0, width, _BLOCK):
        stop = min(start + _BLOCK, width)
        errors = np.empty((weight.shape[0], stop - start))
        for column in range(start, stop):
            codes[:, column] = np.clip(np.rint(left[:, column] / scale), -limit, limit)
            error = (left[:, column] - scale * codes[:, column]) / upper[column, column]
            errors[:, column - start] = error
            left[:, column + 1 : stop] -= np.outer(error, upper[column, column + 1 : stop])
        left[:, stop:] -= errors @ upper[start:stop, stop:]
    return codes


def descend(weight: Floats, scale: Floats, moments: Floats, codes: Floats, *, limit: int) -> Floats:
    """Coordinate descent from `codes` [G, R, K] until no code moves, or for `_SWEEPS` rounds. Never a greater loss."""
    codes = codes.copy()
    error = weight - scale[..., None] * codes
    slope = np.matmul(error, moments)
    diagonal = np.diagonal(moments, axis1=1, axis2=2)
    for _ in range(_SWEEPS):
        moved = False
        for column in range(weight.shape[2]):
            step = slope[:, :, column] / (scale * diagonal[:, None, column])
            wanted = np.clip(np.rint(codes[:, :, column] + step), -limit, limit)
            change = wanted - codes[:, :, column]
            groups, rows = np.nonzero(change)
            if not len(rows):
                continue
            moved = True
            by = change[groups, rows]
            codes[groups, rows, column] += by
            slope[groups, rows] -= (scale[groups, rows] * by)[:, None] * moments[groups, column]
        if not moved:
            break
    return codes


def _nearest(weight: Floats, scale: Floats, limit: int) -> Floats:
    codes: Floats = np.clip(np.rint(weight / scale[..., None]), -limit, limit)
    return codes


def _damped(moments: Floats, ridge: float) -> Floats:
    """H with a floor under its diagonal, so that inputs that were never seen leave it positive definite."""
    width = moments.shape[-1]
    mean = np.trace(moments, axis1=1, axis2=2) / width
    floor = np.maximum(mean * ridge, 1e-12 * np.maximum(mean, 1e-30))
    floor = np.where(mean > 0.0, floor, 1.0)
    damped: Floats = moments + floor[:, None, None] * np.eye(width)
    return damped
