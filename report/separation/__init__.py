"""What separating a network cost and gained, written down: the record's schema, its text and its page.

`models.separate` does the work and the road hands over plain data; this room knows nothing of torch or graphs.
"""

from __future__ import annotations

from .separation import Judged, LayerRow, NetworkFigures, Separation, Tried
from .text import to_text

__all__ = ["Judged", "LayerRow", "NetworkFigures", "Separation", "Tried", "to_text"]
