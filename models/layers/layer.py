"""What all layers share: their facts, the size of their output, and their cost."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import ClassVar, TypeVar

from torch import nn

from .arguments import check_size
from .facts import Cost, Facts, Symbols, evaluate

__all__ = ["Activation", "Layer", "described"]

Activation = Callable[[], nn.Module]
"""A module's class, or anything that makes one without arguments."""


class Layer(nn.Module):
    """A torch module that knows what it costs. Sizes are spatial: (L,), (H, W) or (D, H, W), one sample.

    A layer says `output_size`, `symbols`, and `factors` where its formulas have a Σ; `described` gives it its `facts`.
    """

    facts: ClassVar[Facts]
    dimensions: int

    @property
    def name(self) -> str:
        """The class's, for messages."""
        return type(self).__name__

    def output_size(self, size: Sequence[int]) -> tuple[int, ...]:
        """Spatial size of the output. Raises ModelError for an input that the layer can't read."""
        raise NotImplementedError

    def symbols(self, size: Sequence[int]) -> Symbols:
        """What the names in the layer's formulas stand for."""
        raise NotImplementedError

    def factors(self, size: Sequence[int]) -> tuple[Symbols, ...]:
        """What a Σ in the layer's formulas runs over."""
        return ()

    def cost(self, size: Sequence[int]) -> Cost:
        """Parameters, and MACs for one sample of that size. Raises ModelError for one that the layer can't read."""
        size = check_size(self.name, size, self.dimensions)
        symbols, factors = self.symbols(size), self.factors(size)
        return Cost(evaluate(self.facts.parameters, symbols, factors), evaluate(self.facts.macs, symbols, factors))


LayerClass = TypeVar("LayerClass", bound=type[Layer])


def described(*, parameters: str, macs: str, cannot: str, source: str) -> Callable[[LayerClass], LayerClass]:
    """Gives a layer's class its `facts`, and its docstring the same words."""

    def describe(layer: LayerClass) -> LayerClass:
        layer.facts = Facts(parameters, macs, cannot, source)
        lines = (
            inspect.cleandoc(layer.__doc__ or ""),
            f"Parameters {parameters}.\nMACs {macs}.",
            f"Cannot express: {cannot}.",
            f"Source: {source}.",
        )
        layer.__doc__ = "\n\n".join(lines)
        return layer

    return describe
