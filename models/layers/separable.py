"""Depthwise, then pointwise."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor, nn

from .depthwise import Depthwise
from .padding import Padding
from .pointwise import Pointwise

__all__ = ["DepthwiseSeparable"]


class DepthwiseSeparable(nn.Module):
    """Depthwise, then pointwise, each with its own normalisation and activation: MobileNetV1's layer.

    [N, C_in, …] → [N, C_out, …]. Parameters k·C_in + C_in·C_out + 2·(C_in + C_out); MACs (k + C_out)·C_in·P, which is
    1/C_out + 1/k of a standard convolution's. Howard et al. 2017, arXiv:1704.04861, section 3.1.
    """

    def __init__(
        self,
        channels_in: int,
        channels_out: int,
        kernel: int = 3,
        stride: int = 1,
        *,
        padding: Padding = "centred",
        activation: Callable[[], nn.Module] | None = nn.ReLU,
        eps: float = 1e-5,
        dimensions: int = 2,
    ) -> None:
        super().__init__()
        self.depthwise = Depthwise(
            channels_in, kernel, stride, padding=padding, activation=activation, eps=eps, dimensions=dimensions
        )
        self.pointwise = Pointwise(channels_in, channels_out, activation=activation, eps=eps, dimensions=dimensions)

    def forward(self, values: Tensor) -> Tensor:
        result: Tensor = self.pointwise(self.depthwise(values))
        return result
