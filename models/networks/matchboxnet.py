"""MatchboxNet-3×1×64 for keyword spotting, in 1-D: Majumdar and Ginsburg 2020, arXiv:2004.08531, table 1.

The rows, the strides of 1 and the epsilon are those of the authors' code (NeMo,
`examples/asr/conf/matchboxnet/matchboxnet_3x1x64_v1.yaml`).
"""

from __future__ import annotations

from torch import Tensor, nn

from ..layers import DepthwiseSeparable, Pointwise

__all__ = ["MatchboxNet"]

_EPS = 1e-3


class MatchboxNet(nn.Module):
    """[N, 64, T] → logits [N, words]. T: any number of frames of 10 ms, 128 as published; 64 MFCCs of each.

    77 k parameters for 30 words.
    """

    def __init__(self, words: int = 30) -> None:
        super().__init__()
        self.stem = nn.Sequential(_time_channel(64, 128, 11), nn.ReLU())
        self.blocks = nn.Sequential(_Residual(128, 64, 13), _Residual(64, 64, 15), _Residual(64, 64, 17))
        self.head = nn.Sequential(
            _time_channel(64, 128, 29, dilation=2), nn.ReLU(), Pointwise(128, 128, eps=_EPS, dimensions=1)
        )
        self.pool = nn.AdaptiveAvgPool1d(1)
        self.classifier = nn.Linear(128, words)

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002  the name of the graph's input
        features = self.head(self.blocks(self.stem(input)))
        logits: Tensor = self.classifier(self.pool(features).flatten(1))
        return logits


class _Residual(nn.Module):
    """One separable layer beside a normalised pointwise one: figure 1 with R = 1."""

    def __init__(self, channels_in: int, channels_out: int, kernel: int) -> None:
        super().__init__()
        self.layer = _time_channel(channels_in, channels_out, kernel)
        self.shortcut = Pointwise(channels_in, channels_out, activation=None, eps=_EPS, dimensions=1)
        self.activation = nn.ReLU()

    def forward(self, values: Tensor) -> Tensor:
        result: Tensor = self.activation(self.layer(values) + self.shortcut(values))
        return result


def _time_channel(channels_in: int, channels_out: int, kernel: int, dilation: int = 1) -> DepthwiseSeparable:
    """Depthwise along time and pointwise, nothing between; then normalisation: Kriman et al. 2019, arXiv:1910.10261."""
    return DepthwiseSeparable(
        channels_in, channels_out, kernel, dilation=dilation, between=(), after=("norm",), eps=_EPS, dimensions=1
    )
