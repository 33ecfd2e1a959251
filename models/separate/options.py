"""What may stand in the place of each layer, and which of that is worth having."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from torch import Tensor

from .convolution import Convolution
from .factored import Factored
from .fit import Data, response_error, weight_error
from .moments import Moments, moments_bytes
from .network import SeparableNetwork
from .techniques import TECHNIQUES, Technique, ranks

__all__ = ["Option", "find_options", "hull", "takers"]

_MOMENTS_BYTES = 1 << 30
"""Second moments in memory at once. A layer whose own would be larger is fitted without data."""

Feeds = Sequence[Tensor]


@dataclass(frozen=True, eq=False)
class Option:
    """One way to separate one layer.

    factored: the layers. error: rms of its responses' error over their spread; where no data was used, of its weights'.
    weight_error: ‖W − Ŵ‖ / ‖W‖. with_data: whether it was fitted to the data.
    """

    layer: str
    factored: Factored
    error: float
    weight_error: float
    with_data: bool

    @property
    def key(self) -> str:
        return f"{self.layer}: {self.factored.technique} {self.factored.rank}"


def takers(kind: str) -> tuple[Technique, ...]:
    """The techniques for a layer of this kind of `graph.kinds`."""
    return tuple(technique for technique in TECHNIQUES if kind in technique.kinds)


def find_options(
    network: SeparableNetwork,
    kinds: Mapping[str, str],
    samples: Callable[[], Iterable[Feeds]],
    *,
    tick: Callable[[int, int], None] = lambda done, total: None,
) -> dict[str, tuple[Option, ...]]:
    """Layer → the options worth having, falling in MACs. Layers that nothing can be gained of are left out.

    kinds: of each layer, as `graph.kinds` names them. samples: one tensor an input each, gone through once for each
    gigabyte of second moments.
    """
    wanted = {
        name: tuple(technique for technique in takers(kinds[name]) if ranks(technique, layer))
        for name, layer in network.layers.items()
    }
    wanted = {name: techniques for name, techniques in wanted.items() if techniques}
    found: dict[str, tuple[Option, ...]] = {}
    for group in _groups(network, wanted):
        seen = {name: Moments(network.layers[name]) for name in group if _fits(network.layers[name])}
        if seen:
            for feeds in samples():
                network.observe({name: moments.add for name, moments in seen.items()}, feeds)
        for name in group:
            moments = seen.pop(name, None)
            options = _options(network.layers[name], wanted[name], None if moments is None else Data.of(moments))
            found[name] = hull(network.layers[name].macs, options)
            tick(len(found), len(wanted))
    return {name: found[name] for name in wanted if found[name]}


def hull(macs: int, options: Sequence[Option]) -> tuple[Option, ...]:
    """Those on the lower convex hull of squared error over MACs, the layer as it is being one end; falling in MACs.

    Any other is worse, for its MACs, than a mixture of two that stay: a greedy choice would not stop there.
    """
    kept: list[Option] = []

    def place(index: int) -> tuple[float, float]:
        return (float(macs), 0.0) if index < 0 else (float(kept[index].factored.macs), kept[index].error ** 2)

    for option in sorted(options, key=lambda one: (-one.factored.macs, one.error)):
        at = (float(option.factored.macs), option.error**2)
        if kept and at[0] == place(len(kept) - 1)[0]:
            continue
        while kept and at[1] <= kept[-1].error ** 2:
            kept.pop()
        while kept and _slope(place(len(kept) - 2), at) <= _slope(place(len(kept) - 2), place(len(kept) - 1)):
            kept.pop()
        kept.append(option)
    return tuple(kept)


def _slope(start: tuple[float, float], end: tuple[float, float]) -> float:
    """Squared error a MAC that is saved."""
    return (end[1] - start[1]) / (start[0] - end[0])


def _options(layer: Convolution, techniques: Iterable[Technique], data: Data | None) -> list[Option]:
    found = []
    for technique in techniques:
        for rank in ranks(technique, layer):
            factored = technique.separate(layer, rank, data)
            blind = weight_error(layer, factored.weight)
            error = blind if data is None else response_error(layer, factored.weight, factored.bias, data)
            found.append(Option(layer.name, factored, error, blind, data is not None))
    return found


def _fits(layer: Convolution) -> bool:
    return moments_bytes(layer) <= _MOMENTS_BYTES


def _groups(network: SeparableNetwork, names: Iterable[str]) -> Iterator[list[str]]:
    """So many layers at a time as their moments fit into memory."""
    group: list[str] = []
    held = 0
    for name in names:
        needed = moments_bytes(network.layers[name]) if _fits(network.layers[name]) else 0
        if group and held + needed > _MOMENTS_BYTES:
            yield group
            group, held = [], 0
        group.append(name)
        held += needed
    if group:
        yield group
