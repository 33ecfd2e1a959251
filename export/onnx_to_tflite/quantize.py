"""QuantizeLinear that the reader of the QDQ file left in the graph: a conversion that no op takes in."""

from __future__ import annotations

from .rows import Condition, lowers
from .site import Site
from .writer import Writer

__all__ = ["quantize"]

_HELD = Condition("constant scale and zero point", lambda site: site.params(site.output) is not None)


@lowers("QuantizeLinear", becomes="QUANTIZE, or DEQUANTIZE and QUANTIZE", data=1, conditions=(_HELD,), int8=None)
def quantize(site: Site, write: Writer) -> None:
    """From float, or from codes on another grid, by way of float as ONNX says it."""
    value = site.input(0)
    perm = write.layout(site.output)
    tensor = write.take(value, perm, int8=site.params(value) is not None)
    write.give(site.output, write.quantized(tensor, write.grid(site.output), site.output.name or ""), perm)
