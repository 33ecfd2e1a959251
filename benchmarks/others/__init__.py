"""What other tools' quantised ONNX files come to in Sepia: translated, and how near, or refused, and why.

`python -m benchmarks.others` lets each tool quantise a network by its road (`benchmarks/roads/`, in an environment of
its own), takes the file over as `sepia export` does, and prints the table of `docs/how-to/another-tools-file.md`.
"""

from __future__ import annotations

__all__: list[str] = []
