"""A picture made smaller or larger without Pillow, bit for bit as Pillow does it; quicker where NumPy is.

Pillow's `Resample.c`: each line of the result is a weighted sum of lines, with the weights of a filter that widens as
the picture shrinks, in fixed point; across first, rounded to 8 bits, then down. "nearest" takes a line as it is
(`Geometry.c`). Since Pillow 13 a picture that loses much more of its height than of its width goes down first: there,
the two differ by the rounding in between, as Pillow does from its own older versions.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import accumulate, repeat
from operator import mul
from typing import Any

__all__ = ["FILTERS", "grey", "resampled"]

_BITS = 22
_HALF = 1 << (_BITS - 1)

Weights = tuple[int, tuple[int, ...]]
"""First line, and what it and those after it count, in units of 2⁻²²."""


def _bilinear(x: float) -> float:
    return max(1.0 - abs(x), 0.0)


def _bicubic(x: float) -> float:
    """Keys 1981, a = −0.5."""
    x = abs(x)
    if x < 1.0:
        return ((-0.5 + 2.0) * x - (-0.5 + 3.0)) * x * x + 1
    return (((x - 5) * x + 8) * x - 4) * -0.5 if x < 2.0 else 0.0


FILTERS: dict[str, tuple[Callable[[float], float], float] | None] = {
    "nearest": None,
    "bilinear": (_bilinear, 1.0),
    "bicubic": (_bicubic, 2.0),
}
"""Name in a preparation → filter, and how many lines it reaches to each side."""


def resampled(
    plane: bytes, size: tuple[int, int], to: tuple[int, int], filter_: str, box: tuple[int, int, int, int]
) -> bytes:
    """One channel, row by row. size, to: width and height before and after. box: what of the result is wanted: left,
    top, width, height."""
    left, top, width, height = box
    across = _weights(size[0], to[0], filter_)[left : left + width]
    down = _weights(size[1], to[1], filter_)[top : top + height]
    # Rows that nothing below looks at need no pass across.
    first, last = min(start for start, _ in down), max(start + len(counts) for start, counts in down)
    down = [(start - first, counts) for start, counts in down]
    rows = plane[first * size[0] : last * size[0]]
    return (_with_numpy if _numpy() else _plainly)(rows, size[0], across, down)


def grey(red: bytes, green: bytes, blue: bytes) -> bytes:
    """Pillow's "L" (ITU-R 601-2) of three channels."""
    return bytes((r * 19595 + g * 38470 + b * 7471 + 0x8000) >> 16 for r, g, b in zip(red, green, blue, strict=True))


def _weights(size: int, to: int, filter_: str) -> list[Weights]:
    chosen = FILTERS[filter_]
    if chosen is None:
        # Added up as Pillow does, whose sum of a thousand steps is not their product.
        step = size / to
        return [(min(int(at), size - 1), (1 << _BITS,)) for at in accumulate(repeat(step, to - 1), initial=step * 0.5)]
    shape, reach = chosen
    scale = size / to
    wide = max(scale, 1.0)
    found = []
    for line in range(to):
        centre = (line + 0.5) * scale
        first = max(int(centre - reach * wide + 0.5), 0)
        end = min(int(centre + reach * wide + 0.5), size)
        shares = [shape((at - centre + 0.5) * (1.0 / wide)) for at in range(first, end)]
        total = 0.0
        for share in shares:  # `sum` is exact since Python 3.12, Pillow is not
            total += share
        found.append((first, tuple(_fixed(share * (1.0 / total)) for share in shares)))
    return found


def _fixed(share: float) -> int:
    return int(math.copysign(0.5, share) + share * (1 << _BITS))


def _numpy() -> Any:
    try:
        import numpy
    except ImportError:
        return None
    return numpy


def _with_numpy(rows: bytes, width: int, across: Sequence[Weights], down: Sequence[Weights]) -> bytes:
    np = _numpy()

    def blend(lines: Any, weights: Sequence[Weights]) -> Any:
        out = np.empty((len(weights), lines.shape[1]), np.uint8)
        for number, (start, counts) in enumerate(weights):
            total = np.full(lines.shape[1], _HALF, np.int32)
            for offset, count in enumerate(counts):
                total += lines[start + offset] * np.int32(count)
            out[number] = np.clip(total >> _BITS, 0, 255)
        return out

    columns = np.frombuffer(rows, np.uint8).reshape(-1, width).T.astype(np.int32)
    narrow = blend(columns, across).T.astype(np.int32)
    return bytes(blend(narrow, down).tobytes())


def _plainly(rows: bytes, width: int, across: Sequence[Weights], down: Sequence[Weights]) -> bytes:
    def blend(lines: Sequence[Sequence[int]], weights: Sequence[Weights]) -> list[bytes]:
        return [
            bytes(
                min(max((sum(map(mul, counts, pixels)) + _HALF) >> _BITS, 0), 255)
                for pixels in zip(*lines[start : start + len(counts)], strict=True)
            )
            for start, counts in weights
        ]

    columns = [rows[at::width] for at in range(width)]
    narrow = list(map(bytes, zip(*blend(columns, across), strict=True)))
    return b"".join(blend(narrow, down))
