"""Parameters and MACs of a torch module, counted the slow and obvious way: by running it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

__all__ = ["Counted", "count"]


@dataclass
class Counted:
    """separable_macs: those of depthwise, pointwise and spatially separable convolutions.

    output_shape: of the first output where there are several.
    """

    parameters: int
    macs: int = 0
    separable_macs: int = 0
    output_shape: tuple[int, ...] = ()


def count(module: nn.Module, shape: tuple[int, ...]) -> Counted:
    """shape: of one sample, without the batch."""
    found = Counted(sum(parameter.numel() for parameter in module.parameters()))

    def add(layer: nn.Module, inputs: Any, output: torch.Tensor) -> None:
        weight = layer.get_parameter("weight")
        if isinstance(layer, nn.Linear):
            found.macs += weight.numel()
            return
        macs = weight.numel() * output[0, 0].numel()
        found.macs += macs
        depthwise = layer.groups > 1 and weight.shape[1] == 1  # type: ignore[operator]
        if depthwise or (layer.groups == 1 and 1 in weight.shape[2:]):
            found.separable_macs += macs

    layers = [layer for layer in module.modules() if isinstance(layer, nn.Conv1d | nn.Conv2d | nn.Conv3d | nn.Linear)]
    hooks = [layer.register_forward_hook(add) for layer in layers]
    with torch.no_grad():
        outputs = module.eval()(torch.zeros(1, *shape))
    found.output_shape = tuple((outputs if isinstance(outputs, torch.Tensor) else outputs[0]).shape)
    for hook in hooks:
        hook.remove()
    return found
