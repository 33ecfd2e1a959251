"""A layer with weights as a technique sees it: arrays and geometry, no graph and no runtime."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..graph.kinds import Kind

__all__ = ["Layer", "RoundedLayer"]


@dataclass(frozen=True)
class Layer:
    """A convolution, transposed convolution or fully connected layer, in one layout.

    weight: float32 [C_out, C_in/group, *kernel], whatever the layout in the file; a fully connected layer has no kernel
    dimensions. bias: float32 [C_out], zeros where the file has none. source, output: names of the values that it reads
    and writes, the output after an activation that its quantisation takes in. pads: (begin, end) a dimension.
    output_size: spatial size of the output.
    """

    name: str
    kind: Kind
    source: str
    output: str
    weight: NDArray[np.float32]
    bias: NDArray[np.float32]
    group: int = 1
    strides: tuple[int, ...] = ()
    dilations: tuple[int, ...] = ()
    pads: tuple[tuple[int, int], ...] = ()
    output_size: tuple[int, ...] = ()

    @property
    def channels_out(self) -> int:
        return int(self.weight.shape[0])

    @property
    def kernel(self) -> tuple[int, ...]:
        return tuple(int(size) for size in self.weight.shape[2:])

    def per_channel(self, values: NDArray[Any]) -> NDArray[Any]:
        """[C_out] shaped to broadcast against `weight`."""
        return values.reshape(-1, *[1] * (self.weight.ndim - 1))


@dataclass(frozen=True)
class RoundedLayer:
    """A layer's weights on their int8 grid, with the bias that goes with them.

    codes: int8, the shape of `Layer.weight`, in [−127, 127]. scale: float32 [C_out]; real = scale · codes. bias:
    float32 [C_out], not yet on its int32 grid.
    """

    codes: NDArray[np.int8]
    scale: NDArray[np.float32]
    bias: NDArray[np.float32]

    @property
    def per_tensor(self) -> bool:
        """One scale for all of two channels or more: the file then holds one number."""
        return self.scale.size > 1 and bool((self.scale == self.scale[0]).all())

    @property
    def weight(self) -> NDArray[np.float32]:
        """What the codes stand for, float32."""
        shape = (-1, *[1] * (self.codes.ndim - 1))
        real: NDArray[np.float32] = self.codes.astype(np.float32) * self.scale.reshape(shape)
        return real
