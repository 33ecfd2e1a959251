"""Rewrites of a graph, one idea a file, each with its promise: what it requires, what it ensures, how exactly.

A pass takes a model, changes it in place and says whether it did; run again it finds nothing. `canonicalize` runs them
all on a copy.
"""

from __future__ import annotations

from .canonicalize import PASSES, canonicalize

__all__ = ["PASSES", "canonicalize"]
