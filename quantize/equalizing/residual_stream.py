"""Quiet channels of a residual stream are turned up, so that its tensors' one scale fits all of their channels.

The narrow tensors between inverted residuals have no activation function: a channel may be divided by s > 0 in every
layer that adds to the stream and multiplied in every layer that reads it, exactly. An int8 tensor has one step for all
channels, as fine as its loudest channel lets it be; a channel turned up by 1 / s has its rounding error turned down by
s where it is read. What is paid is the spread of the reading layers' weights.

The rule is that of SmoothQuant (Xiao et al. 2023, arXiv:2211.10438, section 4) with its share of the activations
alone: s = (max |x_c| / max |x|)^strength.
"""

from __future__ import annotations

import numpy as np
import onnx_ir as ir

from .factors import Ends, least_factors, shares
from .rescale import rescale
from .streams import find_streams

__all__ = ["even_streams"]

_QUIETEST = 1e-3
"""Share below which a channel counts as silent: what it shows in use is not known from what it showed here."""


def even_streams(model: ir.Model, ends: Ends, *, strength: float = 0.5) -> ir.Model:
    """A copy of the canonical float `model`; outputs the same within float32 rounding.

    Streams without an activation function that an Add joins, or that have one writer and one reader.

    ends: of every value of the streams, as observed. strength: in [0, 1]; 1 evens the channels wholly, 0 does nothing.
    A half is what SmoothQuant takes for most networks, and was best here.
    """
    factors = []
    for stream in find_streams(model):
        if stream.clips or stream.rectified:
            continue
        factor = np.maximum(shares(stream, ends), _QUIETEST) ** strength
        least, most = least_factors(stream, ends)
        factors.append((stream, np.clip(factor, least, most)))
    return rescale(model, factors)
