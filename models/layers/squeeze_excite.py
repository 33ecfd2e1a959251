"""Squeeze-and-excitation: channels weighed by all channels' means."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from .arguments import check_counts, check_dimensions, check_input
from .by_dimensions import CONVOLUTION, POOL
from .facts import Symbols
from .layer import Activation, Layer, described

__all__ = ["SqueezeExcite"]


@described(
    parameters="2·C·S + C + S",
    macs="2·C·S",
    cannot="a channel is scaled alike at every position: it says how much of a channel passes, not where",
    source="Hu et al. 2018, arXiv:1709.01507, section 3; with a hard sigmoid: Howard et al. 2019, arXiv:1905.02244, "
    "section 5.3",
)
class SqueezeExcite(Layer):
    """Scales each channel by a number in [0, 1] that all channels' means decide. [N, C, …] → the same.

    squeezed: channels in the middle of its two layers. activation: between them; gate: behind. The C·P products of the
    scaling are no MACs, as in published tables.
    """

    def __init__(
        self,
        channels: int,
        squeezed: int,
        *,
        activation: Activation = nn.ReLU,
        gate: Activation = nn.Hardsigmoid,
        dimensions: int = 2,
    ) -> None:
        super().__init__()
        check_dimensions(self.name, dimensions)
        check_counts(self.name, channels=channels, squeezed=squeezed)
        self.dimensions = dimensions
        self.pool = POOL[dimensions](1)
        self.reduce = CONVOLUTION[dimensions](channels, squeezed, 1)
        self.activation = activation()
        self.expand = CONVOLUTION[dimensions](squeezed, channels, 1)
        self.gate = gate()

    def forward(self, values: Tensor) -> Tensor:
        check_input(self.name, values.shape, self.reduce.in_channels, self.dimensions)
        scale: Tensor = self.gate(self.expand(self.activation(self.reduce(self.pool(values)))))
        return scale * values

    def output_size(self, size: Sequence[int]) -> tuple[int, ...]:
        return tuple(size)

    def symbols(self, size: Sequence[int]) -> Symbols:
        return {"C": self.reduce.in_channels, "S": self.reduce.out_channels}
