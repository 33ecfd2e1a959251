"""The weights as one run of bytes, which the assembler includes as it is: a compiler never reads them as text."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["SLACK_BYTES", "Blob"]

_ALIGNMENT = 16
SLACK_BYTES = 16
"""Kernels read as far beyond a row's end, and multiply by 0 what they find there."""
_C_TYPES = {"int8": "int8_t", "int32": "int32_t", "float32": "float"}


class Blob:
    """Arrays one after another, little-endian, each aligned to 16 bytes; equal ones once."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._places: dict[bytes, int] = {}
        self._size = 0

    def add(self, array: NDArray[Any]) -> str:
        """Where `array` (int8, int32, float32) will lie, as C says it."""
        data = np.ascontiguousarray(array, array.dtype.newbyteorder("<")).tobytes()
        if data not in self._places:
            self._places[data] = self._size
            padded = data + bytes(-len(data) % _ALIGNMENT)
            self._parts.append(padded)
            self._size += len(padded)
        return f"(const {_C_TYPES[array.dtype.name]} *)(weights + {self._places[data]})"

    def data(self) -> bytes:
        return b"".join(self._parts) + bytes(SLACK_BYTES)
