"""A kernel as a chain of smaller ones along single directions: k×1 then 1×k, 1×k×k then k×1×1."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from ...errors import ModelError
from .arguments import Follows, PerAxis, check_dimensions, check_follows, check_groups
from .convolution import ConvNorm
from .facts import Symbols
from .layer import Activation, Layer, described
from .padding import Padding, PaddingMode
from .window import window

__all__ = ["SpatiallySeparable"]

_DIRECTIONS: dict[int, tuple[tuple[int, ...], ...]] = {2: ((0,), (1,)), 3: ((1, 2), (0,))}
"""k×1 then 1×k; space then time, as S3D and R(2+1)D."""


@described(
    parameters="Σ((k·C_in/g + b)·C_out)",
    macs="Σ(k·C_in/g·C_out·P)",
    cannot="with nothing between, its kernels have a low rank: M channels in the middle give those C_in·k×C_out·k "
    "matrices of a standard layer's weights that have rank M; depthwise, each filter is one outer product (rank 1), so "
    "no diagonal edge",
    source="Jaderberg et al. 2014, arXiv:1405.3866, section 2 (scheme 2); Szegedy et al. 2016, arXiv:1512.00567, "
    "section 3.2; in 3-D: Xie et al. 2018, arXiv:1712.04851, on separating temporal from spatial convolutions, and "
    "Tran et al. 2018, arXiv:1711.11248, section 3.5",
)
class SpatiallySeparable(Layer):
    """A convolution as factors that each look along some directions alone. 2-D and 3-D: a line has one direction.

    [N, C_in, …] → [N, C_out, …]. directions: for each factor in turn the spatial dimensions that it looks along, each
    dimension once. By default in 2-D ((0,), (1,)), k×1 then 1×k; in 3-D ((1, 2), (0,)), 1×k×k then k×1×1;
    ((0,), (1,), (2,)) is k×1×1, 1×k×1, 1×1×k. middle: channels between factors, C_out if not said. kernel, stride,
    dilation and padding of a dimension are those of the factor that looks along it, so that the output is as large as
    a standard layer's. groups: of every factor; as many as channels make it depthwise. between, after: what follows
    each factor but the last, and the last, of "norm" and "activation". bias: of each factor without normalisation. The
    rest is `ConvNorm`'s. Σ runs over the factors, each with its own k, C_in, C_out, b and P.
    """

    def __init__(
        self,
        channels_in: int,
        channels_out: int,
        kernel: PerAxis = 3,
        stride: PerAxis = 1,
        *,
        middle: int | None = None,
        directions: tuple[tuple[int, ...], ...] | None = None,
        dilation: PerAxis = 1,
        groups: int = 1,
        bias: bool = False,
        between: Follows = ("norm", "activation"),
        after: Follows = ("norm", "activation"),
        padding: Padding = "centred",
        padding_mode: PaddingMode = "zeros",
        activation: Activation | None = nn.ReLU,
        eps: float = 1e-5,
        dimensions: int = 2,
    ) -> None:
        super().__init__()
        check_dimensions(self.name, dimensions, (2, 3), "a kernel along a line has nothing to separate")
        whole = window(self.name, dimensions, kernel, stride, dilation, padding, padding_mode)
        check_follows(self.name, "between", between)
        check_follows(self.name, "after", after)
        directions = _DIRECTIONS[dimensions] if directions is None else directions
        if len(directions) < 2 or sorted(axis for axes in directions for axis in axes) != [*range(dimensions)]:
            raise ModelError(
                self.name,
                f"directions is {directions}",
                accepted=f"two or more tuples that name each of the dimensions 0 to {dimensions - 1} once",
            )
        middle = channels_out if middle is None else middle
        check_groups(self.name, groups, channels_in=channels_in, middle=middle, channels_out=channels_out)
        self.dimensions = dimensions
        channels = (channels_in, *(middle,) * (len(directions) - 1), channels_out)
        factors = []
        for index, axes in enumerate(directions):
            follows = after if index == len(directions) - 1 else between
            factors.append(
                ConvNorm(
                    channels[index],
                    channels[index + 1],
                    _along(axes, whole.kernel, 1),
                    _along(axes, whole.stride, 1),
                    dilation=_along(axes, whole.dilation, 1),
                    groups=groups,
                    bias=bias and "norm" not in follows,
                    norm="norm" in follows,
                    padding=padding if isinstance(padding, str) else _along(axes, whole.even_pads or (), 0),
                    padding_mode=padding_mode,
                    activation=activation if "activation" in follows else None,
                    eps=eps,
                    dimensions=dimensions,
                )
            )
        self.chain = nn.Sequential(*factors)

    def forward(self, values: Tensor) -> Tensor:
        result: Tensor = self.chain(values)
        return result

    def output_size(self, size: Sequence[int]) -> tuple[int, ...]:
        for factor in self._factors():
            size = factor.output_size(size)
        return tuple(size)

    def symbols(self, size: Sequence[int]) -> Symbols:
        return {}

    def factors(self, size: Sequence[int]) -> tuple[Symbols, ...]:
        found = []
        for factor in self._factors():
            found.append(factor.symbols(size))
            size = factor.output_size(size)
        return tuple(found)

    def _factors(self) -> list[ConvNorm]:
        return [factor for factor in self.chain if isinstance(factor, ConvNorm)]


def _along(axes: tuple[int, ...], values: tuple[int, ...], elsewhere: int) -> tuple[int, ...]:
    return tuple(value if axis in axes else elsewhere for axis, value in enumerate(values))
