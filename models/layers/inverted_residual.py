"""MobileNetV2's block, and V3's with squeeze-and-excitation."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor, nn

from .depthwise import Depthwise
from .padding import Padding
from .pointwise import Pointwise
from .squeeze_excite import SqueezeExcite

__all__ = ["InvertedResidual"]


class InvertedResidual(nn.Module):
    """Pointwise to `expanded` channels, depthwise, (squeeze-excite,) linear pointwise; the input added where it fits.

    [N, C_in, H, W] → [N, C_out, H/stride, W/stride]. No expansion layer where `expanded` equals C_in (and
    `always_expand` is off). Parameters, E = expanded: E·(C_in + k + C_out) + 4·E + 2·C_out; MACs E·C_in·H·W +
    E·(k + C_out)·P. Sandler et al. 2018, arXiv:1801.04381, section 3.3.
    """

    def __init__(
        self,
        channels_in: int,
        channels_out: int,
        expanded: int,
        kernel: int = 3,
        stride: int = 1,
        *,
        squeezed: int = 0,
        padding: Padding = "centred",
        activation: Callable[[], nn.Module] = nn.ReLU6,
        eps: float = 1e-5,
    ) -> None:
        super().__init__()
        self.adds = stride == 1 and channels_in == channels_out
        self.expand = None
        if expanded != channels_in:
            self.expand = Pointwise(channels_in, expanded, activation=activation, eps=eps)
        self.depthwise = Depthwise(expanded, kernel, stride, padding=padding, activation=activation, eps=eps)
        self.squeeze_excite = SqueezeExcite(expanded, squeezed) if squeezed else None
        self.project = Pointwise(expanded, channels_out, activation=None, eps=eps)

    def forward(self, values: Tensor) -> Tensor:
        wide = values if self.expand is None else self.expand(values)
        wide = self.depthwise(wide)
        if self.squeeze_excite is not None:
            wide = self.squeeze_excite(wide)
        narrow: Tensor = self.project(wide)
        return values + narrow if self.adds else narrow
