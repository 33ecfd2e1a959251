"""What a convolution becomes: chains of smaller ones, their results added."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

import numpy as np
from numpy.typing import NDArray

from .convolution import Convolution, Weights, output_size

__all__ = ["Factored", "Stage", "balanced", "stage"]


@dataclass(frozen=True, eq=False)
class Stage:
    """One small convolution without bias. part: what it is, for its name.

    weight: float32 [C_out, C_in/groups, *kernel]. pads: zeros before and after in each dimension. size_out: of one
    sample. repeat: it reads its input so many times over, all channels and then all of them again.
    """

    part: str
    weight: NDArray[np.float32]
    strides: tuple[int, ...]
    pads: tuple[tuple[int, int], ...]
    dilations: tuple[int, ...]
    groups: int
    size_out: tuple[int, ...]
    repeat: int = 1

    @property
    def macs(self) -> int:
        return self.weight.size * prod(self.size_out)


@dataclass(frozen=True, eq=False)
class Factored:
    """The sum of `branches`, each a chain of stages, and the bias.

    technique, rank: how it was made. bias: float32 [C_out] or None. weight: float64 [C_out, C_in, taps], the one
    convolution that all of it amounts to.
    """

    technique: str
    rank: int
    branches: tuple[tuple[Stage, ...], ...]
    bias: NDArray[np.float32] | None
    weight: Weights

    @property
    def params(self) -> int:
        stages = sum(stage.weight.size for branch in self.branches for stage in branch)
        return stages + (0 if self.bias is None else self.bias.size)

    @property
    def macs(self) -> int:
        return sum(stage.macs for branch in self.branches for stage in branch)


def stage(
    part: str,
    convolution: Convolution,
    weight: Weights,
    size_in: tuple[int, ...],
    *,
    along: tuple[bool, ...],
    groups: int = 1,
    repeat: int = 1,
) -> Stage:
    """A stage with the strides, pads and dilations of `convolution` in some dimensions and none in the others.

    weight: [C_out, C_in/groups, *kernel]. size_in: of what it reads. along: the dimensions in which it moves as
    `convolution` does; the kernel is 1 long in the others.
    """
    dimensions = range(len(along))
    strides = tuple(convolution.strides[d] if along[d] else 1 for d in dimensions)
    pads = tuple(convolution.pads[d] if along[d] else (0, 0) for d in dimensions)
    dilations = tuple(convolution.dilations[d] if along[d] else 1 for d in dimensions)
    kernel = weight.shape[2:]
    size_out = tuple(output_size(size_in[d], kernel[d], strides[d], pads[d], dilations[d]) for d in dimensions)
    return Stage(part, weight.astype(np.float32), strides, pads, dilations, groups, size_out, repeat)


def balanced(first: Weights, second: Weights) -> tuple[Weights, Weights]:
    """The same product with the scale of each of the K channels between shared out evenly.

    first: [K, …], what makes channel k. second: […, K], what reads it. Rows and columns get the same norm, so that a
    step of learning, or of a grid, means about the same to both.
    """
    made = np.sqrt(np.square(first.reshape(len(first), -1)).sum(axis=1))
    read = np.sqrt(np.square(second.reshape(-1, second.shape[-1])).sum(axis=0))
    both = (made > 0) & (read > 0)
    factor = np.where(both, np.sqrt(read / np.where(both, made, 1.0)), 1.0)
    return first * factor.reshape(-1, *[1] * (first.ndim - 1)), second / factor
