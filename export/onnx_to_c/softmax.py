"""Softmax of codes."""

from __future__ import annotations

from math import prod

import numpy as np

from ..onnx_to_tflite.site import Site
from .listing import Listing, grid, held_order, sizes
from .rows import lowers

__all__ = ["softmax"]


@lowers("Softmax", becomes="softmax", data=1)
def softmax(site: Site, write: Listing) -> None:
    """The greatest code has power 1; codes are at most 255 steps below it."""
    scale = float(write.params(site.input(0)).scale[0])
    after = write.params(site.output)
    powers = write.blob.add(np.exp(-scale * np.arange(256)).astype(np.float32))
    held = write.held(site.input(0))
    place = held_order(len(sizes(site.input(0)))).index(site.axis(-1))
    outer, size, inner = prod(held[:place]), held[place], prod(held[place + 1 :])
    name = write.layer("grid", grid(after))
    one = np.float32(1 / float(after.scale[0]))
    x, out = write.take(site.input(0)), write.make(site.output)
    write.call(site, "softmax", powers, one, f"&{name}", outer, size, inner, x, out)
