"""The board's side: what is offered is verified, unpacked, tested on this board, and only then switched to.

A distribution of its own (`sepia_agent` on a board): Python ≥ 3.10, and of other packages `tuf`, `securesystemslib` and
`urllib3` alone, none of them compiled. Imports inside it are relative, and nothing outside it is imported.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .predictor import load

__all__ = ["__version__", "load"]

__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    """`load` is an application's, and costs nobody else anything."""
    if name == "load":
        from .predictor import load

        return load
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
