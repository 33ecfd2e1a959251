"""Bias correction without looking at a layer's inputs: their means come from the moments before the activation.

Nagel et al. 2019, arXiv:1906.04721, section 4.2.1 and appendix C. What a layer reads is an activation function of what
the layer before it puts out, and that is taken as normal in each channel, so the mean of relu(x) and of relu6(x) is
that of a clipped normal distribution. Rounding W to Q moves the mean output by (Q − W)·E[x], and the bias takes it
back, as in `bias_correction`.

Beyond the paper, which takes one mean a channel: a tap of the kernel that lies on the padding for a part of the
positions reads zeros there, and that part is known from the geometry.
"""

from __future__ import annotations

from math import erf

import numpy as np
from numpy.typing import NDArray

from ..calibration.tap_means import TapMeans
from ..layer import Layer

__all__ = ["clipped_normal_mean", "means_by_tap"]

Floats = NDArray[np.float64]

_erf = np.frompyfunc(erf, 1, 1)


def clipped_normal_mean(mean: Floats, std: Floats, low: float, high: float) -> Floats:
    """E[min(max(X, low), high)] for X normal with `mean` and `std` ≥ 0, [C] each; low and high may be infinite.

    With α = (low − μ)/σ and β = (high − μ)/σ, φ and Φ the density and distribution of the standard normal one:
    μ (Φ(β) − Φ(α)) + σ (φ(α) − φ(β)) + low Φ(α) + high (1 − Φ(β)). ReLU is low = 0, high = ∞.
    """
    spread = np.where(std > 0.0, std, 1.0)
    alpha, beta = (low - mean) / spread, (high - mean) / spread
    inside = mean * (_below(beta) - _below(alpha)) + spread * (_density(alpha) - _density(beta))
    cut_low = low * _below(alpha) if np.isfinite(low) else 0.0
    cut_high = high * _below(-beta) if np.isfinite(high) else 0.0
    result: Floats = np.where(std > 0.0, inside + cut_low + cut_high, np.clip(mean, low, high))
    return result


def means_by_tap(layer: Layer, mean: Floats, size: tuple[int, ...]) -> Floats:
    """E[x] by tap of the kernel, [C_in, taps], as `TapMeans` has it, if every position has the same mean.

    mean: [C_in]. size: spatial size of the input.
    """
    share = TapMeans(layer)
    share.add(np.ones((1, len(mean), *size), np.float32))
    found: Floats = mean[:, None] * share.means()
    return found


def _density(x: Floats) -> Floats:
    found: Floats = np.exp(-0.5 * np.square(x)) / np.sqrt(2.0 * np.pi)
    return found


def _below(x: Floats) -> Floats:
    found: Floats = 0.5 * (1.0 + _erf(x / np.sqrt(2.0)).astype(np.float64))
    return found
