"""What a diagnosis found, as plain data: `explanation.json`. The report's room has its schema, and draws it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

__all__ = ["ActivationFacts", "Channel", "Explanation", "Hint", "LayerError", "OutputError", "PartError", "WeightFacts"]


@dataclass(frozen=True)
class OutputError:
    """One output of the network. rms: of its error, in its own unit. spread: rms of the float output about its mean.
    agreement: share of positions with the same greatest channel as in float, None for fewer than two channels.
    """

    name: str
    rms: float
    spread: float
    agreement: float | None


@dataclass(frozen=True)
class PartError:
    """What one source adds to the error at the output. Errors are shares of the output's spread.

    alone: rms error with this as all that is rounded in the float network. share: alone² of the sum of all sources'.
    spared: how much of the quantised network's mean square error goes when this alone is left in float; below 0 where
    it makes up for another's error.
    """

    alone: float
    share: float
    spared: float


@dataclass(frozen=True)
class WeightFacts:
    """per_channel: a scale a channel, or one for all. bits: of a code. sqnr_db: power of the float weights over that of
    their error. low, high: ends of the float weights. widest, narrowest: channels of the greatest and least range, dead
    ones apart, and how many times the one is as wide as the other. codes_used: of the narrowest channel.
    """

    per_channel: bool
    sqnr_db: float | None
    low: float
    high: float
    widest: int | None
    narrowest: int | None
    ratio: float | None
    codes_used: int | None


@dataclass(frozen=True)
class ActivationFacts:
    """A grid: scale, zero_point in the file's encoding, its ends, and what the float network's values do on it.

    seen_low, seen_high: their ends. clipped_low, clipped_high: shares of them beyond an end. codes, unused: of the
    grid, and those that no value has.
    """

    scale: float
    zero_point: int
    low: float
    high: float
    seen_low: float
    seen_high: float
    clipped_low: float
    clipped_high: float
    codes: int
    unused: int


@dataclass(frozen=True)
class Channel:
    """One of the worst channels. sqnr_db: of the layer alone. ratio: its weights' range over the tensor's."""

    channel: int
    sqnr_db: float | None
    weight_low: float | None
    weight_high: float | None
    scale: float | None
    ratio: float | None
    codes_used: int | None
    low: float
    high: float


@dataclass(frozen=True)
class Hint:
    """cause: what is wrong. remedy: what would mend it, in the words of a recipe where one can say it. harmless: as far
    as these samples tell, nothing is lost by it.
    """

    cause: str
    remedy: str
    harmless: bool = False


@dataclass(frozen=True)
class LayerError:
    """One layer, in execution order. tensor: what it puts out. sqnr_db: of that in the quantised network.
    sqnr_alone_db: of the layer fed with float inputs. weights, activation: what its two sources add, None where it has
    no such. share: both together. shift: share of the layer's own error power that is a constant a channel. dead:
    channels whose float output never changes. by_channel: name → one number a channel, for pictures.
    """

    index: int
    layer: str
    kind: str
    op: str
    tensor: str
    sqnr_db: float | None
    sqnr_alone_db: float | None
    share: float
    shift: float
    weights: PartError | None
    activation: PartError | None
    weight_facts: WeightFacts | None
    activation_facts: ActivationFacts | None
    dead: tuple[int, ...]
    worst: tuple[Channel, ...]
    hints: tuple[Hint, ...]
    by_channel: Mapping[str, tuple[float | None, ...]]


@dataclass(frozen=True)
class Explanation:
    """source, file: names of the float and the QDQ file. data, samples, built_in: what it was measured on. recipe: None
    where nobody knows it. whole: rms error of the file as a share of the output's spread (of several outputs, the root
    of the mean square). rebuilt: of the float network with all sources on: near `whole`, or the file has more to it.
    weights, activations: all of one sort on. in_quadrature: √Σ alone². lost: what of the file was not found.
    """

    source: str
    file: str
    data: str
    samples: int
    built_in: bool
    recipe: str | None
    outputs: tuple[OutputError, ...]
    whole: float
    rebuilt: float
    weights: float
    activations: float
    in_quadrature: float
    layers: tuple[LayerError, ...]
    left_float: tuple[str, ...]
    lost: tuple[str, ...]
    seconds: float

    def to_json(self) -> dict[str, Any]:
        """Plain dicts, lists, numbers and strings."""
        return asdict(self)
