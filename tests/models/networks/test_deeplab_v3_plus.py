"""DeepLabV3+: its parts are those of the published DeepLabV3 on MobileNetV2, and what was added to them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from sepia.models.networks.deeplab_v3_plus import DeepLabV3Plus
from support.count import count
from torch import nn

RATES, WIDE = 3, 256
POSITIONS = 33 * 33
PADDED = 36 * 36
"""What TensorFlow made of them for rates 6, 12 and 18, whose space-to-batch wants multiples of the rate."""


def test_without_what_was_added_it_is_the_published_network() -> None:
    """arXiv:1801.04381, table 7, V2* at stride 16 on 513×513: 4.52 M parameters and 5.8 G multiply-adds with a standard
    pyramid, 2.11 M and 2.75 G without one; logits of a sixteenth of the size."""
    with torch.device("meta"):
        network = DeepLabV3Plus()
        total = count(network, (3, 513, 513))
        decoder, atrous, classifier = _costs(network, [network.decoder, network.pyramid.atrous, network.classifier])
    standard = RATES * 9 * 320 * WIDE
    narrower = RATES * WIDE * WIDE  # the projection reads no branch of the pyramid
    parameters = total.parameters - decoder.parameters - atrous.parameters
    assert round((parameters + standard + RATES * 2 * WIDE) / 1e6, 2) == 4.52
    assert round((parameters - narrower) / 1e6, 2) == 2.11
    logits = classifier.macs // (129 * 129) * POSITIONS
    macs = total.macs - decoder.macs - atrous.macs - classifier.macs + logits
    # The authors counted with tfprof: atrous layers at the padded positions, and a little besides multiply-adds.
    assert round((macs + standard * PADDED) / 1e9, 1) == 5.8
    assert 0 <= 2.75e9 - (macs - narrower * POSITIONS) < 0.01e9


def test_the_last_stage_dilates_instead_of_striding() -> None:
    with torch.device("meta"):
        network = DeepLabV3Plus()
    depthwise = [block.depthwise.conv for block in network.after]
    assert [conv.dilation[0] for conv in depthwise[-4:]] == [1, 2, 2, 2]
    assert [conv.stride[0] for conv in depthwise[-4:]] == [1, 1, 1, 1]


@dataclass
class _Cost:
    parameters: int
    macs: int = 0


def _costs(network: nn.Module, parts: list[nn.Module]) -> list[_Cost]:
    """Of parts of the network, counted while the whole runs."""
    costs = [_Cost(sum(parameter.numel() for parameter in part.parameters())) for part in parts]

    def counting(cost: _Cost) -> Callable[[nn.Module, object, torch.Tensor], None]:
        def add(layer: nn.Module, inputs: object, output: torch.Tensor) -> None:
            cost.macs += layer.get_parameter("weight").numel() * output[0, 0].numel()

        return add

    for part, cost in zip(parts, costs, strict=True):
        for layer in part.modules():
            if isinstance(layer, nn.Conv2d):
                layer.register_forward_hook(counting(cost))
    with torch.no_grad():
        network.eval()(torch.zeros(1, 3, 513, 513))
    return costs
