"""The layers of separable networks. Formulas hold for k kernel positions (3×3: 9) and P output positions (H·W).

Weights: He et al. 2015, arXiv:1502.01852, from torch's random generator; `seeded` makes them repeatable.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

__all__ = [
    "ConvNorm",
    "Depthwise",
    "DepthwiseSeparable",
    "InvertedResidual",
    "Padding",
    "Pointwise",
    "SqueezeExcite",
    "initialise",
    "make_divisible",
    "seeded",
    "set_norm_statistics",
]

Padding = Literal["centred", "same", "valid"]
"""centred: k // 2 zeros on every side. same: TensorFlow's SAME, the odd zero after, as its checkpoints want.
valid: none."""

_CONVOLUTION: dict[int, type[nn.Conv1d | nn.Conv2d | nn.Conv3d]] = {1: nn.Conv1d, 2: nn.Conv2d, 3: nn.Conv3d}
_NORM: dict[int, type[nn.BatchNorm1d | nn.BatchNorm2d | nn.BatchNorm3d]] = {
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
        self.conv = _CONVOLUTION[dimensions](
            channels_in,
            channels_out,
            kernel,
            stride=stride,
            padding=centred,
            dilation=dilation,
            groups=groups,
            bias=False,
        )
        self.norm = _NORM[dimensions](channels_out, eps=eps)
        self.activation = None if activation is None else activation()

    def forward(self, values: Tensor) -> Tensor:
        values = self.norm(self.conv(pad_same(values, self.conv) if self.shifted else values))
        return values if self.activation is None else self.activation(values)


class Depthwise(ConvNorm):
    """One filter a channel, or `multiplier` of them: mixes positions, not channels.

    [N, C, …] → [N, C·multiplier, …]. Parameters k·C·multiplier + 2·C·multiplier; MACs k·C·multiplier·P.
    """

    def __init__(
        self,
        channels: int,
        kernel: int = 3,
        stride: int = 1,
        *,
        multiplier: int = 1,
        dilation: int = 1,
        padding: Padding = "centred",
        activation: Callable[[], nn.Module] | None = nn.ReLU,
        eps: float = 1e-5,
        dimensions: int = 2,
    ) -> None:
        super().__init__(
            channels,
            channels * multiplier,
            kernel,
            stride,
            dilation=dilation,
            groups=channels,
            padding=padding,
            activation=activation,
            eps=eps,
            dimensions=dimensions,
        )


class Pointwise(ConvNorm):
    """1×1 convolution: mixes channels, not positions. [N, C_in, …] → [N, C_out, …].

    Parameters C_in·C_out + 2·C_out; MACs C_in·C_out·P.
    """

    def __init__(
        self,
        channels_in: int,
        channels_out: int,
        *,
        activation: Callable[[], nn.Module] | None = nn.ReLU,
        eps: float = 1e-5,
        dimensions: int = 2,
    ) -> None:
        super().__init__(channels_in, channels_out, 1, activation=activation, eps=eps, dimensions=dimensions)


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


class SqueezeExcite(nn.Module):
    """Scales each channel by a number in [0, 1] that all channels' means decide. [N, C, H, W] → the same.

    Parameters 2·C·S + C + S, MACs 2·C·S + C·P for S = `squeezed`. Hu et al. 2018, arXiv:1709.01507, section 3; the
    hard sigmoid is MobileNetV3's.
    """

    def __init__(self, channels: int, squeezed: int, *, gate: Callable[[], nn.Module] = nn.Hardsigmoid) -> None:
        super().__init__()
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.reduce = nn.Conv2d(channels, squeezed, 1)
        self.activation = nn.ReLU()
        self.expand = nn.Conv2d(squeezed, channels, 1)
        self.gate = gate()

    def forward(self, values: Tensor) -> Tensor:
        scale: Tensor = self.gate(self.expand(self.activation(self.reduce(self.pool(values)))))
        return scale * values


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


def pad_same(values: Tensor, conv: nn.Conv1d | nn.Conv2d | nn.Conv3d) -> Tensor:
    """Zeros as TensorFlow's SAME has them: the output is ⌈size / stride⌉ long, an odd zero lies after."""
    pads: list[int] = []
    for size, kernel, stride, dilation in zip(
        values.shape[2:], conv.kernel_size, conv.stride, conv.dilation, strict=True
    ):
        outputs = -(-size // stride)
        total = max((outputs - 1) * stride + dilation * (kernel - 1) + 1 - size, 0)
        pads = [total // 2, total - total // 2, *pads]  # torch counts from the last dimension
    return functional.pad(values, pads)


def make_divisible(channels: float, divisor: int = 8) -> int:
    """Nearest multiple of `divisor`, at least one, and never more than 10 % below: Sandler et al.'s rounding."""
    rounded = max(divisor, int(channels + divisor / 2) // divisor * divisor)
    return rounded + divisor if rounded < 0.9 * channels else rounded


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
