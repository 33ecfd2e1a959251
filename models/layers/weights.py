"""Weights and statistics for a network that was never trained, repeatable by a seed."""

from __future__ import annotations

from collections.abc import Callable
from math import prod, sqrt

import torch
from torch import Tensor, nn

__all__ = ["initialise", "seeded", "set_norm_statistics"]


def seeded(build: Callable[[], nn.Module], seed: int = 0, *, shape: tuple[int, ...] = (4, 3, 96, 96)) -> nn.Module:
    """`build()` in evaluation mode with weights drawn from `seed`; the caller's random state is left as it was.

    The normalisations take their statistics from noise of that shape, [N, C, …], so that activations keep to a sane
    range at any depth.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)  # torch's modules draw from the global generator when they are made
        module = build()
        initialise(module)
        set_norm_statistics(module, torch.randn(shape))
    return module


def set_norm_statistics(module: nn.Module, batch: Tensor) -> None:
    """Make each normalisation's mean and variance those of `batch`, [N, C, …]; then evaluation mode."""
    norms = [layer for layer in module.modules() if isinstance(layer, nn.modules.batchnorm._BatchNorm)]
    momenta = [norm.momentum for norm in norms]
    for norm in norms:
        norm.momentum = 1.0
    module.train()
    with torch.no_grad():
        module(batch)
    module.eval()
    for norm, momentum in zip(norms, momenta, strict=True):
        norm.momentum = momentum


def initialise(module: nn.Module) -> None:
    """He's initialisation for convolutions and linear layers; biases 0. The normalisations are left as they are.

    Standard deviation √(2 / n) for n products in an output: He et al. 2015, arXiv:1502.01852, section 2.2. In a
    transposed convolution n is C_in/groups·k over the product of its strides, on the average of its positions.
    """
    for layer in module.modules():
        if isinstance(layer, nn.Conv1d | nn.Conv2d | nn.Conv3d | nn.Linear):
            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
        elif isinstance(layer, nn.ConvTranspose1d | nn.ConvTranspose2d | nn.ConvTranspose3d):
            products = layer.in_channels // layer.groups * prod(layer.kernel_size) / prod(layer.stride)
            nn.init.normal_(layer.weight, std=sqrt(2 / products))
        else:
            continue
        if layer.bias is not None:
            nn.init.zeros_(layer.bias)
