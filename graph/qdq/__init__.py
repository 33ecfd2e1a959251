"""Reading a QDQ file: pairs of QuantizeLinear and DequantizeLinear become a plain graph and what each value is held as.

`read_qdq` is the one door. Sepia's own files and those of other quantisers take the same way through it.
"""

from __future__ import annotations

from .read import read_qdq
from .view import QuantizedModel, code_bytes, data_inputs

__all__ = ["QuantizedModel", "code_bytes", "data_inputs", "read_qdq"]
