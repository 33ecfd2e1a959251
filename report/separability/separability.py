"""What `sepia explain SOURCE` finds, as it is kept: plain facts, counted and not measured."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from pydantic import ConfigDict, Field

from ..fact import Count, Fact, Share

__all__ = ["SEPARABILITY_SCHEMA_ID", "KindRow", "LayerRow", "Pair", "Possible", "Saving", "Separability"]

SEPARABILITY_SCHEMA_ID: Final = "urn:sepia:separability:1"

Positive = Annotated[float, Field(gt=0)]


class KindRow(Fact):
    """All layers of one kind."""

    kind: str
    layers: Count
    params: Count
    macs: Count


class Pair(Fact):
    """Two layers that make a separable convolution."""

    kind: str
    first: str
    second: str


class Possible(Fact):
    """What may stand in the place of a layer."""

    technique: str
    rank: Count
    """The one that a designer would begin with: one pair; or as many maps between as the narrower side has channels;
    or a quarter of them between two 1×1 layers."""
    exact_rank: Count
    """That the layer can always be made of, whatever its weights."""
    saves_to_rank: Count
    """The greatest rank that takes fewer MACs than the layer."""
    params: Count
    macs: Count
    macs_ratio: Positive
    """Counted, with strides and edges, over the layer's."""
    formula: str
    """The textbook's ratio in this layer's numbers, as 1/64 + 1/9 for 1/N + 1/k²."""
    formula_ratio: Positive


class LayerRow(Fact):
    """One layer with MACs."""

    layer: str
    kind: str
    separable: bool
    kernel: tuple[int, ...]
    """Empty for a matrix product."""
    strides: tuple[int, ...]
    groups: Count
    channels_in: Count
    channels_out: Count
    size_out: tuple[int, ...]
    """Without batch and channels."""
    params: Count
    macs: Count
    possible: tuple[Possible, ...]
    """The least MACs first."""
    why_none: str | None
    """Why nothing is gained; null where something is."""

    @property
    def least_macs(self) -> int:
        """Of the layer, or of what could stand in its place."""
        return min([self.macs, *(one.macs for one in self.possible)])


class Saving(Fact):
    """The whole network with one technique in every layer where it saves MACs."""

    technique: str | None
    """Null: in each layer the one of the least MACs."""
    layers: Count
    params: Count
    macs: Count
    separable_share: Share


class Separability(Fact):
    """Everything. Counted on the graph, batch normalisations folded. It says nothing about accuracy."""

    model_config = ConfigDict(populate_by_name=True)

    schema_id: Literal["urn:sepia:separability:1"] = Field(default=SEPARABILITY_SCHEMA_ID, alias="$schema")
    source: str
    """As the user named it."""
    params: Count
    macs: Count
    separable_share: Share
    """Of the MACs, those in depthwise, pointwise and spatially separable layers."""
    kinds: tuple[KindRow, ...]
    """Layers with MACs, the most MACs first."""
    pairs: tuple[Pair, ...]
    layers: tuple[LayerRow, ...]
    """In execution order."""
    savings: tuple[Saving, ...]
    """The least MACs of each layer first, then by technique."""

    @property
    def most_saved_first(self) -> tuple[LayerRow, ...]:
        """Layers that are not separable and could be, then those that are, by the MACs that could be saved; last those
        of which nothing can, by their MACs."""

        def order(row: LayerRow) -> tuple[bool, bool, int, int]:
            return (not row.possible, row.separable, row.least_macs - row.macs, -row.macs)

        return tuple(sorted(self.layers, key=order))
