"""Atrous spatial pyramid pooling with separable convolutions: one place seen at several scales."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

import torch
from torch import Tensor, nn
from torch.nn import functional

from ...errors import ModelError
from .arguments import PerAxis, check_input
from .by_dimensions import POOL
from .facts import Symbols
from .layer import Activation, Layer, described
from .pointwise import Pointwise
from .separable import DepthwiseSeparable

__all__ = ["SeparableASPP"]


@described(
    parameters="2·(C_in + 2)·C + R·((k + 2)·C_in + (C_in + 2)·C) + ((R + 2)·C + 2)·C_out",
    macs="C_in·C·(P + 1) + R·(k + C)·C_in·P + (R + 2)·C·C_out·P",
    cannot="an atrous kernel sees every rate-th position and nothing between; on an input smaller than the rate its "
    "outer weights meet zeros alone, and what is left is a pointwise layer",
    source="Chen et al. 2018, arXiv:1802.02611, section 3.1; the branches: Chen et al. 2017, arXiv:1706.05587, section "
    "3.3",
)
class SeparableASPP(Layer):
    """Branches side by side, concatenated and projected: a pointwise layer, a depthwise separable one for each rate
    (its dilation), and the mean over the whole input through a pointwise layer, spread out again.

    [N, C_in, …] → [N, C_out, …], the same size. rates: 6, 12, 18 for features at 1/16 of the image, twice as much at
    1/8. middle: channels of each branch, C_out if not said. Each convolution is normalised and activated. In training
    a batch needs two samples: the mean has one position to normalise over. DeepLab's dropout behind it is left to the
    network.
    """

    def __init__(
        self,
        channels_in: int,
        channels_out: int = 256,
        rates: tuple[int, ...] = (6, 12, 18),
        *,
        kernel: PerAxis = 3,
        middle: int | None = None,
        activation: Activation = nn.ReLU,
        eps: float = 1e-5,
        dimensions: int = 2,
    ) -> None:
        super().__init__()
        if not rates or not all(isinstance(rate, int) and rate >= 1 for rate in rates):
            raise ModelError(self.name, f"rates is {rates}", accepted="one or more whole numbers, 1 or more")
        middle = channels_out if middle is None else middle
        self.dimensions = dimensions
        self.pointwise = Pointwise(channels_in, middle, activation=activation, eps=eps, dimensions=dimensions)
        self.atrous = nn.ModuleList(
            DepthwiseSeparable(
                channels_in,
                middle,
                kernel,
                dilation=rate,
                padding="same",
                activation=activation,
                eps=eps,
                dimensions=dimensions,
            )
            for rate in rates
        )
        self.pool = POOL[dimensions](1)
        self.whole = Pointwise(channels_in, middle, activation=activation, eps=eps, dimensions=dimensions)
        self.project = Pointwise(
            (len(rates) + 2) * middle, channels_out, activation=activation, eps=eps, dimensions=dimensions
        )

    def forward(self, values: Tensor) -> Tensor:
        check_input(self.name, values.shape, self.pointwise.conv.in_channels, self.dimensions)
        # From one position nearest and bilinear are the same; unlike an Expand, every format has the op.
        whole = functional.interpolate(self.whole(self.pool(values)), size=values.shape[2:], mode="nearest")
        branches = [self.pointwise(values), *(atrous(values) for atrous in self.atrous), whole]
        result: Tensor = self.project(torch.cat(branches, dim=1))
        return result

    def output_size(self, size: Sequence[int]) -> tuple[int, ...]:
        return tuple(size)

    def symbols(self, size: Sequence[int]) -> Symbols:
        rates = len(self.atrous)
        first = self.atrous[0]
        return {
            "k": first.depthwise.window.taps if isinstance(first, DepthwiseSeparable) else 1,
            "C_in": self.pointwise.conv.in_channels,
            "C": self.pointwise.conv.out_channels,
            "C_out": self.project.conv.out_channels,
            "R": rates,
            "P": prod(size),
        }
