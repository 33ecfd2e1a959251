"""Every network of the zoo in every format, float and int8: what is written, and how far its runtimes agree.

`python -m benchmarks.zoo` takes each by the main road (export, quantise, check), each in a process of its own, and
prints the table of `docs/reference/zoo.md`. `make test-slow` holds the same rows to what they must be.
"""

from __future__ import annotations

__all__: list[str] = []
