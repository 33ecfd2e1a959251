"""Weights and statistics for a network that was never trained: He et al. 2015, arXiv:1502.01852."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

__all__ = ["initialise", "seeded", "set_norm_statistics"]


def seeded(build: Callable[[], nn.Module], seed: int = 0) -> nn.Module:
    """`build()` in evaluation mode with weights drawn from `seed`; the caller's random state is left as it was.

    The normalisations take their statistics from noise, so that activations keep to a sane range at any depth.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        module = build()
        initialise(module)
        set_norm_statistics(module, torch.randn(4, 3, 96, 96))
    return module


def set_norm_statistics(module: nn.Module, batch: Tensor) -> None:
    """Make each normalisation's mean and variance those of `batch`, [N, C, H, W]; then evaluation mode."""
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
    """He's initialisation for convolutions and linear layers; biases 0; normalisations to identity."""
    for layer in module.modules():
        if isinstance(layer, nn.Conv1d | nn.Conv2d | nn.Conv3d | nn.Linear):
            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
