"""Networks with Q/DQ pairs written by hand, in the spellings that quantisers use."""

from __future__ import annotations

import numpy as np
from sepia.graph.qdq import QuantizedModel, read_qdq

from support.graphs import NetBuilder
from support.passes import loaded

__all__ = ["Quantised"]


class Quantised(NetBuilder):
    """A builder that also writes pairs; grids are (scale, zero point)."""

    def grid(self, name: str, scale: object, zero: object, dtype: type = np.uint8) -> list[str]:
        scales = np.asarray(scale, np.float32)
        zeros = np.broadcast_to(np.asarray(zero), scales.shape).astype(dtype)
        return [self.constant(f"{name}_scale", scales), self.constant(f"{name}_zero_point", zeros)]

    def pair(self, x: str, scale: float = 0.05, zero: int = 128, dtype: type = np.uint8) -> str:
        self._count += 1
        grid = self.grid(f"{x}_{self._count}", scale, zero, dtype)
        codes = self.node("QuantizeLinear", [x, *grid], name=f"{x}_quantized_{self._count}")
        return self.node("DequantizeLinear", [codes, *grid], name=f"{x}_dequantized_{self._count}")

    def coded(self, name: str, codes: np.ndarray, scale: object, *, axis: int = 0) -> str:
        """Codes under a DequantizeLinear."""
        held = self.constant(f"{name}_quantized", codes)
        grid = self.grid(name, scale, 0, codes.dtype.type)
        return self.node("DequantizeLinear", [held, *grid], name=f"{name}_dequantized", axis=axis)

    def view(self, *outputs: str) -> QuantizedModel:
        return read_qdq(loaded(self.proto(*outputs)))
