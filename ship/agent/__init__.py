"""The board's side: what is offered is verified, unpacked, tested on this board, and only then switched to.

A distribution of its own (`sepia_agent` on a board): Python ≥ 3.10, and of other packages `tuf`, `securesystemslib` and
`urllib3` alone, none of them compiled. Imports inside it are relative, and nothing outside it is imported.
"""

__all__ = ["__version__"]

__version__ = "0.1.0"
