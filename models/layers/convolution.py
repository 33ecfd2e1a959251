"""Convolution, batch normalisation, activation."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor, nn

from .padding import Padding, pad_same

__all__ = ["ConvNorm"]

CONVOLUTION: dict[int, type[nn.Conv1d | nn.Conv2d | nn.Conv3d]] = {1: nn.Conv1d, 2: nn.Conv2d, 3: nn.Conv3d}
NORM: dict[int, type[nn.BatchNorm1d | nn.BatchNorm2d | nn.BatchNorm3d]] = {
    1: nn.BatchNorm1d,
    2: nn.BatchNorm2d,
    3: nn.BatchNorm3d,
}


class ConvNorm(nn.Module):
    """Convolution without bias, batch normalisation, activation.

    [N, C_in, …] → [N, C_out, …], the spatial dimensions divided by `stride` (rounded up; "valid" loses the border).
    dimensions: 1, 2 or 3 spatial ones. eps: of the normalisation, its source's. activation: a module's class, or None.
    Parameters k·C_in/groups·C_out + 2·C_out; MACs k·C_in/groups·C_out·P.
    """

    def __init__(
        self,
        channels_in: int,
        channels_out: int,
        kernel: int = 3,
        stride: int = 1,
        *,
        dilation: int = 1,
        groups: int = 1,
        padding: Padding = "centred",
        activation: Callable[[], nn.Module] | None = nn.ReLU,
        eps: float = 1e-5,
        dimensions: int = 2,
    ) -> None:
        super().__init__()
        self.shifted = padding == "same" and stride > 1
        centred = 0 if self.shifted or padding == "valid" else dilation * (kernel // 2)
        self.conv = CONVOLUTION[dimensions](
            channels_in,
            channels_out,
            kernel,
            stride=stride,
            padding=centred,
            dilation=dilation,
            groups=groups,
            bias=False,
        )
        self.norm = NORM[dimensions](channels_out, eps=eps)
        self.activation = None if activation is None else activation()

    def forward(self, values: Tensor) -> Tensor:
        values = self.norm(self.conv(pad_same(values, self.conv) if self.shifted else values))
        return values if self.activation is None else self.activation(values)
