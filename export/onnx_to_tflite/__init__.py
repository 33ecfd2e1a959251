"""Float and QDQ ONNX → TFLite, by our own writer of flatbuffers.

A QDQ file is translated, never quantised again: scales, zero points and codes are its own. `lower.py` is the road:
which nodes become one step (`steps.py`), which row of the op table takes it (`rows.py`, and one file for each family of
ops), which layout each value has (`layout.py`), then the lowerings write a program in memory (`writer.py`,
`program.py`) that becomes bytes (`flatbuffer.py`, `versions.py`). Nothing is written unless every node has a row.
"""

from __future__ import annotations

from .translate import check_tflite, onnx_to_tflite, read_metadata, support_table, tflite_in_float
from .writer import FLOAT_SUFFIX

__all__ = ["FLOAT_SUFFIX", "check_tflite", "onnx_to_tflite", "read_metadata", "support_table", "tflite_in_float"]
