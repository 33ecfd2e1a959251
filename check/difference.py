"""How far two sets of outputs are apart: codes in LSB, logits in rms, classes in agreement."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["CodeDifference", "LogitDifference", "compare_codes", "compare_logits", "in_top"]


@dataclass(frozen=True)
class CodeDifference:
    """Two sets of integer codes of the same shape. codes: how many were compared. max_lsb: the greatest distance.

    middle: how many are unequal, by 1, where the exact value lies in the middle of both.
    """

    codes: int = 0
    equal: int = 0
    max_lsb: int = 0
    middle: int = 0

    @property
    def share(self) -> float:
        """Share of equal codes, in [0, 1]; 1 of nothing."""
        return self.equal / self.codes if self.codes else 1.0

    def __add__(self, other: CodeDifference) -> CodeDifference:
        return CodeDifference(
            self.codes + other.codes,
            self.equal + other.equal,
            max(self.max_lsb, other.max_lsb),
            self.middle + other.middle,
        )


def compare_codes(
    found: NDArray[Any], expected: NDArray[Any], either: NDArray[np.bool_] | None = None
) -> CodeDifference:
    """Compare int8 or uint8 codes. Raises ValueError for other shapes or dtypes: that would be a bug of ours.

    either: where two neighbouring codes are both right.
    """
    if found.shape != expected.shape or found.dtype != expected.dtype:
        raise ValueError(f"codes {found.dtype}{found.shape} against {expected.dtype}{expected.shape}")
    distance = np.abs(found.astype(np.int16) - expected.astype(np.int16))
    return CodeDifference(
        codes=int(distance.size),
        equal=int(distance.size - np.count_nonzero(distance)),
        max_lsb=int(distance.max(initial=0)),
        middle=0 if either is None else int(np.count_nonzero((distance == 1) & either)),
    )


@dataclass(frozen=True)
class LogitDifference:
    """Outputs of two engines, gathered sample by sample. squared: sum of squared differences of `values` values.

    same: how many of `samples` have the same first class.
    """

    samples: int = 0
    values: int = 0
    squared: float = 0.0
    same: int = 0

    @property
    def rms(self) -> float:
        """Root mean square error of the logits; NaN of nothing."""
        return float(np.sqrt(self.squared / self.values)) if self.values else float("nan")

    @property
    def agreement(self) -> float:
        """Share of samples with the same first class; NaN of nothing."""
        return self.same / self.samples if self.samples else float("nan")

    def __add__(self, other: LogitDifference) -> LogitDifference:
        return LogitDifference(
            self.samples + other.samples,
            self.values + other.values,
            self.squared + other.squared,
            self.same + other.same,
        )


def compare_logits(found: NDArray[Any], expected: NDArray[Any]) -> LogitDifference:
    """One sample's output, [1, …]: any shape, classes along axis 1 (of a rank-1 output, axis 0).

    A value that is not finite counts as an infinite error and never as the same class.
    """
    wanted = np.asarray(expected, np.float64).reshape(-1)
    given = np.asarray(found, np.float64).reshape(-1)
    if given.shape != wanted.shape:
        raise ValueError(f"{given.size} logits against {wanted.size}")
    finite = bool(np.isfinite(given).all())
    squared = float(np.square(given - wanted).sum()) if finite else float("inf")
    same = finite and bool(np.array_equal(_classes(found), _classes(expected)))
    return LogitDifference(samples=1, values=int(wanted.size), squared=squared, same=int(same))


def in_top(logits: NDArray[Any], index: int, most: int) -> bool:
    """Whether class `index` is among the `most` greatest of one sample's logits (any shape, flattened).

    Of equal logits the lower index comes first, as in argmax: int8 outputs tie often, and a tie is no free hit.
    NaN is below everything.
    """
    flat = np.nan_to_num(np.asarray(logits, np.float64).reshape(-1), nan=-np.inf)
    if not 0 <= index < flat.size or not np.isfinite(flat[index]):
        return False
    ahead = np.count_nonzero(flat > flat[index]) + np.count_nonzero(flat[:index] == flat[index])
    return bool(ahead < most)


def _classes(logits: NDArray[Any]) -> NDArray[np.intp]:
    return np.asarray(np.argmax(logits, axis=min(1, np.ndim(logits) - 1)))
