"""DS-CNN for keyword spotting: Zhang et al. 2017, arXiv:1711.07128, section 4.2; the small one, as MLPerf Tiny has it.

MLPerf Tiny's definition (mlcommons/tiny, `benchmark/training/keyword_spotting/keras_model.py`) has biases in front of
its normalisations, which the normalisations' own shifts make idle, and averages 24 of the 25 rows. Here are no such
biases, and all rows count.
"""

from __future__ import annotations

from torch import Tensor, nn

from ..layers import ConvNorm, DepthwiseSeparable

__all__ = ["DsCnn"]

_EPS = 1e-3


class DsCnn(nn.Module):
    """[N, 1, 49, 10] → logits [N, words]: 49 frames of a second, 10 MFCCs of each.

    12 words as published: ten, silence, and unknown. 23.2 k parameters, 2.66 M MACs.
    """

    def __init__(self, channels: int = 64, words: int = 12) -> None:
        super().__init__()
        self.stem = ConvNorm(1, channels, (10, 4), 2, padding="same", eps=_EPS)
        self.layers = nn.Sequential(*(DepthwiseSeparable(channels, channels, eps=_EPS) for _ in range(4)))
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.classifier = nn.Linear(channels, words)

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002  the name of the graph's input
        logits: Tensor = self.classifier(self.pool(self.layers(self.stem(input))).flatten(1))
        return logits
