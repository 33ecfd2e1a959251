"""Bias correction: take the mean of the error that rounding makes out of each output channel.

Nagel et al. 2019, arXiv:1906.04721, section 4.2. Rounding W to Q moves a layer's mean output by (Q − W)·E[x]; the bias
takes it back. E[x] is the mean input in the float network, exact for each tap of the kernel (`TapMeans`), where the
paper takes one mean a channel: near borders they differ.

Every layer is corrected for its own rounding only. Once each has its float mean back, the next one's input has it too,
but for what an activation function makes of the noise; going after that as well, from the means of the quantised
network, needs a pass a layer, and going over all layers at once with them diverges.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ..calibration.tap_means import mean_output
from ..layer import Layer, RoundedLayer

__all__ = ["correct_bias"]


def correct_bias(layer: Layer, rounded: RoundedLayer, means: NDArray[np.float64]) -> RoundedLayer:
    """The same codes with the bias b + (W − Q)·E[x]. means: E[x] by tap, [C_in, taps]."""
    error = mean_output(layer, layer.weight - rounded.weight, means)
    return replace(rounded, bias=(layer.bias.astype(np.float64) + error).astype(np.float32))
