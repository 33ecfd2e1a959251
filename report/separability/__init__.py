"""Which layers of a network are separable, which could be and what that would save: the record's schema and its text.

`graph` says what the layers are and `models.separate` what may stand in their place; the road hands over plain data.
"""

from __future__ import annotations

from .separability import KindRow, LayerRow, Pair, Possible, Saving, Separability
from .text import to_text

__all__ = ["KindRow", "LayerRow", "Pair", "Possible", "Saving", "Separability", "to_text"]
