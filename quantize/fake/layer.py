"""The weights and bias of one layer, on their grids, which can be learned."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from ..layer import Layer, RoundedLayer
from .rounding import round_through

__all__ = ["FakeLayer"]


class FakeLayer(nn.Module):
    """A layer's float weights, and the codes that it starts from.

    latent: parameter, the shape of `Layer.weight`, in steps of the weight's scale: it starts at the codes, and a weight
    gets another code once it is half a step away. bias: parameter, [C_out], real. Neither learns until
    `requires_grad_(True)` is called on it. exact_weight, exact_bias: those of the float network.
    """

    most_scale: float
    """The greatest scale of a channel."""
    latent: Tensor
    scale: Tensor
    exact_weight: Tensor
    exact_bias: Tensor

    def __init__(self, layer: Layer, rounded: RoundedLayer | None, limit: int, dtype: torch.dtype) -> None:
        super().__init__()
        self.layer = layer
        self.limit = limit
        self.register_buffer("exact_weight", torch.tensor(layer.weight, dtype=dtype))
        self.register_buffer("exact_bias", torch.tensor(layer.bias, dtype=dtype))
        if rounded is not None:
            self.latent = nn.Parameter(torch.tensor(rounded.codes, dtype=dtype), requires_grad=False)
            self.bias = nn.Parameter(torch.tensor(rounded.bias, dtype=dtype), requires_grad=False)
            self.most_scale = float(rounded.scale.max())
            self.register_buffer("scale", torch.tensor(layer.per_channel(rounded.scale), dtype=dtype))

    def weight(self) -> Tensor:
        """On its grid, real. Gradient to `latent`: straight through, 0 where it is clipped."""
        return round_through(self.latent.clamp(-self.limit, self.limit)) * self.scale

    def bias_on_grid(self, scale_in: Tensor) -> Tensor:
        """The bias on the accumulator's grid, s_in · s_w, multiplied in float32 as in the file. Gradient: that of the
        identity to `bias`, none to the scales, whose steps are far below all others.
        """
        step = (scale_in.detach().float() * self.scale.float()).to(self.bias.dtype).reshape(-1)
        return round_through(self.bias / step) * step

    @torch.no_grad()
    def start_near_float(self, margin: float = 0.49) -> None:
        """Move `latent` as near to the float weights as it comes without another code: `margin` of a step at most."""
        codes = self.latent.round()
        self.latent.copy_(torch.clamp(self.exact_weight / self.scale, codes - margin, codes + margin))

    def rounded(self) -> RoundedLayer:
        """As the file holds it, before the accumulator is looked at."""
        codes: NDArray[np.int8] = self.latent.detach().round().clamp(-self.limit, self.limit).to(torch.int8).numpy()
        scale = self.scale.detach().reshape(-1).float().numpy()
        return RoundedLayer(codes.copy(), scale.copy(), self.bias.detach().float().numpy().copy())

    def learned_layer(self) -> Layer:
        """The layer with what `latent` stands for as its float weights."""
        return replace(self.layer, weight=(self.latent.detach() * self.scale).float().numpy())
