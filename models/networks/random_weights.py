"""Weights for the zoo's networks that have none: repeatable, and such that activations keep to a sane range."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import nn

from ..layers import initialise, seeded, set_norm_statistics

__all__ = ["seeded_for"]


def seeded_for(define: Callable[[], nn.Module], input_shape: tuple[int, ...], seed: int = 0) -> nn.Module:
    """`define()` in evaluation mode with weights drawn from `seed`; the caller's random state is left as it was.

    input_shape: [N, C, …]. Networks for photos take their statistics from small ones, which do as well and cost less.
    """
    if len(input_shape) == 4 and input_shape[1] == 3:
        return seeded(define, seed)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = define()
        initialise(network)
        set_norm_statistics(network, torch.randn(4, *input_shape[1:]))
    return network
