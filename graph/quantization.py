"""Scales and zero points: what the pair QuantizeLinear/DequantizeLinear says of a tensor."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["QuantParams"]


@dataclass(frozen=True)
class QuantParams:
    """Affine quantisation of one tensor: real = scale · (code − zero_point). Jacob et al. 2018, arXiv:1712.05877.

    scale: float32, positive, [1] per tensor or [C] per channel. zero_point: int64, the shape of `scale`, inside the
    range of `dtype`. dtype: "int8", "uint8" or "int32" (biases). axis: the channel axis *in ONNX layout*, None per
    tensor.
    """

    scale: NDArray[np.float32]
    zero_point: NDArray[np.int64]
    dtype: str
    axis: int | None = None

    @property
    def per_channel(self) -> bool:
        return self.axis is not None

    @property
    def code_range(self) -> tuple[int, int]:
        """Least and greatest code of `dtype`."""
        info = np.iinfo(self.dtype)
        return int(info.min), int(info.max)

    def _aligned(self, values: NDArray[Any], rank: int) -> NDArray[Any]:
        if self.axis is None:
            return values.reshape(())
        shape = [1] * rank
        shape[self.axis] = -1
        return values.reshape(shape)

    def quantize(self, real: NDArray[np.floating[Any]]) -> NDArray[Any]:
        """Codes of `real` (any shape), rounded half to even and clipped to the range, as QuantizeLinear does."""
        low, high = self.code_range
        scaled = np.rint(real / self._aligned(self.scale, real.ndim)) + self._aligned(self.zero_point, real.ndim)
        codes: NDArray[Any] = np.clip(scaled, low, high).astype(self.dtype)
        return codes

    def code_of(self, real: float) -> int:
        """The code of one number, per tensor; infinity has the outermost codes."""
        low, high = self.code_range
        code = np.rint(np.float32(real) / self.scale[0]) + self.zero_point[0]
        return int(np.clip(code, low, high))

    def dequantize(self, codes: NDArray[Any]) -> NDArray[np.float32]:
        """Real values of `codes` (any shape), float32, as DequantizeLinear does."""
        offset = codes.astype(np.int64) - self._aligned(self.zero_point, codes.ndim)
        real: NDArray[np.float32] = offset.astype(np.float32) * self._aligned(self.scale, codes.ndim)
        return real

    def as_dtype(self, dtype: str) -> QuantParams:
        """The same quantisation in the other 8-bit encoding: zero_point_u8 = zero_point_s8 + 128."""
        if dtype == self.dtype:
            return self
        if {dtype, self.dtype} != {"int8", "uint8"}:
            raise ValueError(f"no shift between {self.dtype} and {dtype}")
        shift = 128 if dtype == "uint8" else -128
        return QuantParams(self.scale, self.zero_point + shift, dtype, self.axis)
