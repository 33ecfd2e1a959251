"""ONNX, float or QDQ, to OpenVINO IR.

`translate.py` writes the two files. What OpenVINO would read otherwise than ONNX means it is said in other words
before, by `spelt_out.py`, one file for each: `transposed_pads.py`, `pads_on_codes.py`, `slopes.py`, `whole_windows.py`,
`one_column.py`, `products_apart.py`.
"""

from __future__ import annotations

from .translate import onnx_to_openvino, read_metadata

__all__ = ["onnx_to_openvino", "read_metadata"]
