"""Where int8 loses, written down: an explanation's schema, and its text, page and pictures.

`quantize.diagnosis` finds it out and hands it over as plain data; this room knows nothing of graphs or grids.
"""

from __future__ import annotations

from .explanation import Explanation, load_explanation, save_explanation
from .text import to_text

__all__ = ["Explanation", "load_explanation", "save_explanation", "to_text"]
