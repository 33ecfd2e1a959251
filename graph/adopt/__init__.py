"""Other quantisers' QDQ files in the form that every room reads, exactly, with a word on all that was changed.

`adopt` is the one door. What cannot be brought into that form without changing what it computes is refused, every node
with its reason.
"""

from __future__ import annotations

from .adopt import Adopted, adopt, is_quantized

__all__ = ["Adopted", "adopt", "is_quantized"]
