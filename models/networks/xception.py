"""Xception: Chollet 2017, arXiv:1610.02357, figure 5."""

from __future__ import annotations

from itertools import pairwise

from torch import Tensor, nn

from ..layers import ConvNorm

__all__ = ["Xception"]


class _Separable(nn.Module):
    """Depthwise and pointwise convolution without anything between, then normalisation. [N, C_in, H, W] → C_out.

    Parameters 9·C_in + C_in·C_out + 2·C_out; MACs (9 + C_out)·C_in·H·W.
    """

    def __init__(self, channels_in: int, channels_out: int) -> None:
        super().__init__()
        self.depthwise = nn.Conv2d(channels_in, channels_in, 3, padding=1, groups=channels_in, bias=False)
        self.pointwise = nn.Conv2d(channels_in, channels_out, 1, bias=False)
        self.norm = nn.BatchNorm2d(channels_out, eps=1e-3)

    def forward(self, values: Tensor) -> Tensor:
        result: Tensor = self.norm(self.pointwise(self.depthwise(values)))
        return result


class _Block(nn.Module):
    """Separable layers, each after a ReLU, and a shortcut: the identity, or a strided 1×1 convolution beside a pool.

    channels: in, then out of each layer. halves: stride 2, by max-pooling. starts_with_relu: off in the first block.
    """

    def __init__(self, channels: tuple[int, ...], *, halves: bool, starts_with_relu: bool = True) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for index, (channels_in, out) in enumerate(pairwise(channels)):
            if index or starts_with_relu:
                layers.append(nn.ReLU())
            layers.append(_Separable(channels_in, out))
        if halves:
            layers.append(nn.MaxPool2d(3, stride=2, padding=1))
        self.layers = nn.Sequential(*layers)
        self.shortcut = ConvNorm(channels[0], channels[-1], 1, 2, activation=None, eps=1e-3) if halves else None

    def forward(self, values: Tensor) -> Tensor:
        result: Tensor = self.layers(values) + (values if self.shortcut is None else self.shortcut(values))
        return result


class Xception(nn.Module):
    """[N, 3, H, W] → logits [N, classes]. H, W: any, 299 as published. 22.86 M parameters, 8.4 G MACs."""

    def __init__(self, classes: int = 1000) -> None:
        super().__init__()
        self.stem = nn.Sequential(
            ConvNorm(3, 32, 3, 2, padding="valid", eps=1e-3), ConvNorm(32, 64, 3, padding="valid", eps=1e-3)
        )
        self.entry = nn.Sequential(
            _Block((64, 128, 128), halves=True, starts_with_relu=False),
            _Block((128, 256, 256), halves=True),
            _Block((256, 728, 728), halves=True),
        )
        self.middle = nn.Sequential(*(_Block((728, 728, 728, 728), halves=False) for _ in range(8)))
        self.exit = _Block((728, 728, 1024), halves=True)
        self.top = nn.Sequential(_Separable(1024, 1536), nn.ReLU(), _Separable(1536, 2048), nn.ReLU())
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.classifier = nn.Linear(2048, classes)

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002  the name of the graph's input
        features = self.top(self.exit(self.middle(self.entry(self.stem(input)))))
        logits: Tensor = self.classifier(self.pool(features).flatten(1))
        return logits
