"""A rounding that can be learned: each weight lies between the two codes around it, and ends at one of them.

Nagel et al. 2020, arXiv:2004.10568, section 3.2: the code of a weight is floor(w / s) + h(V), where the rectified
sigmoid h (equation 23) is 0 or 1 in the end, because a regulariser (equation 24) with an annealed exponent drives it
there.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from ..layer import Layer, RoundedLayer

__all__ = ["GAMMA", "ZETA", "SoftRounding", "beta_schedule", "rectified_sigmoid", "regulariser", "soft_rounding"]

ZETA = 1.1
GAMMA = -0.1
"""How far the sigmoid is stretched beyond 1 and 0, so that h reaches both for a finite V."""

_BETA_FIRST, _BETA_LAST = 20.0, 2.0
_WARM = 0.2
"""Share of the steps at the start in which the regulariser is off."""
_SIDE = 0.05
"""How far from the middle a weight starts whose given code is not the nearest one."""


def rectified_sigmoid(v: torch.Tensor) -> torch.Tensor:
    """h(V) = clip(sigmoid(V)·(ζ − γ) + γ, 0, 1). Equation (23)."""
    return torch.clamp(torch.sigmoid(v) * (ZETA - GAMMA) + GAMMA, 0.0, 1.0)


def regulariser(h: torch.Tensor, beta: float) -> torch.Tensor:
    """Σ 1 − |2h − 1|^β, a scalar: 0 where every h is 0 or 1. Equation (24)."""
    return (1.0 - (2.0 * h - 1.0).abs().pow(beta)).sum()


def beta_schedule(step: int, steps: int) -> float | None:
    """β of equation (24) at `step` of `steps`; None while the regulariser is off, at the start.

    From 20, where only weights near a code are pulled, to 2, where all are, along a cosine, as the authors' own AIMET
    does; the paper says "annealed".
    """
    begin = _WARM * steps
    if step < begin:
        return None
    done = (step - begin) / max(steps - begin, 1.0)
    return _BETA_LAST + 0.5 * (_BETA_FIRST - _BETA_LAST) * (1.0 + math.cos(done * math.pi))


@dataclass(frozen=True)
class SoftRounding:
    """One layer's codes while they are learned.

    v: float32, the shape of `Layer.weight`, to be optimised. base: float32, the lower of the two codes that each weight
    may get. limit: largest magnitude of a code.
    """

    v: torch.Tensor
    base: torch.Tensor
    limit: int

    def h(self) -> torch.Tensor:
        """How far up each weight is, in [0, 1]."""
        return rectified_sigmoid(self.v)

    def soft_codes(self) -> torch.Tensor:
        """float32 codes that V can be learned through."""
        return self.base + self.h()

    def codes(self) -> NDArray[np.int8]:
        """The nearer of the two codes for each weight, inside the limit."""
        up = (self.v.detach() >= 0.0).numpy()
        found: NDArray[np.int8] = np.clip(self.base.numpy() + up, -self.limit, self.limit).astype(np.int8)
        return found


def soft_rounding(layer: Layer, given: RoundedLayer, limit: int) -> SoftRounding:
    """Start from the codes that are `given`: they are what `codes` says before anything is learned.

    Each weight may get floor(w / s) and the code above it; one whose given code is neither, that code and its
    neighbour on the weight's side. It starts as near to its float value as its given code lets it.
    """
    exact = layer.weight.astype(np.float64) / layer.per_channel(given.scale).astype(np.float64)
    codes = given.codes.astype(np.float64)
    floor = np.floor(exact)
    base = np.where(codes < floor, codes, np.where(codes > floor + 1.0, codes - 1.0, floor))
    base = np.clip(base, -limit, limit - 1)
    inside = np.clip(exact - base, 0.0, 1.0)
    start = np.where(codes > base, np.maximum(inside, 0.5 + _SIDE), np.minimum(inside, 0.5 - _SIDE))
    nearest = (inside > 0.5) == (codes > base)
    start = np.where(nearest & (inside != 0.5), inside, start)
    # Where h is 0 or 1 nothing can be learned, so a weight that is on a code exactly starts a little beside it.
    stretched = (np.clip(start, 0.001, 0.999) - GAMMA) / (ZETA - GAMMA)
    v = torch.from_numpy(np.log(stretched / (1.0 - stretched)).astype(np.float32))
    return SoftRounding(v.requires_grad_(), torch.from_numpy(base.astype(np.float32)), limit)
