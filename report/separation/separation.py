"""A separation as it is kept: `separation.json`."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from pydantic import ConfigDict, Field

from ..fact import Count, Fact, Milliseconds, Share

__all__ = ["SEPARATION_SCHEMA_ID", "Judged", "LayerRow", "NetworkFigures", "Separation", "Tried"]

SEPARATION_SCHEMA_ID: Final = "urn:sepia:separation:1"

Positive = Annotated[float, Field(ge=0)]


class NetworkFigures(Fact):
    """A whole network."""

    params: Count
    """As it runs: batch normalisation folded."""
    macs: Count
    separable_share: Share
    """Of the MACs, those in depthwise, pointwise and spatially separable layers."""
    p50_ms: Milliseconds | None
    """Of one inference in ONNX Runtime, float, on one thread of `target`: measured. Null where it was not."""
    instructions: Count | None = None
    """Of one inference on an emulated core: counted, not timed."""


class Judged(Fact):
    """Against the original, on samples that nothing was fitted to."""

    loss: Positive
    """rms error of the outputs as a share of their rms about their mean, of the worst output."""
    agreement: Share | None
    """Share of positions with the same greatest channel; null for a network without classes."""


class Tried(Fact):
    """A network that was repaired and judged on the way to the fewest MACs."""

    macs: Count
    agreement: Share | None


class LayerRow(Fact):
    """One layer that was separated."""

    layer: str
    kind: str
    technique: str
    rank: Count
    with_data: bool
    """Fitted to the layer's responses; else to its weights, for its second moments would not fit into memory."""
    response_error: Positive
    """rms of the responses' error over their spread, before repair; of the weights' where there was no data."""
    weight_error: Positive
    """Norm of the error of the weights over theirs."""
    params_before: Count
    params: Count
    macs_before: Count
    macs: Count
    p50_us_before: Positive | None
    """In ONNX Runtime's profile of the float network, with what the runtime fuses to it, without moves of the layout
    around it. Null where not measured."""
    p50_us: Positive | None
    """Of all that stands in its place."""


class Separation(Fact):
    """Everything."""

    model_config = ConfigDict(populate_by_name=True)

    schema_id: Literal["urn:sepia:separation:1"] = Field(default=SEPARATION_SCHEMA_ID, alias="$schema")
    source: str
    """As the user named it."""
    goal: str
    """The option that was given."""
    chosen_by: Literal["outputs", "responses"]
    data: str
    """Where the samples came from."""
    samples_seen: Count
    samples_held: Count
    seed: int
    repair_steps: Count
    before: NetworkFigures
    after: NetworkFigures
    without_repair: Judged
    with_repair: Judged | None
    """Null where no step of repair was asked for."""
    tried: tuple[Tried, ...]
    """While looking for the fewest MACs that keep an agreement."""
    layers: tuple[LayerRow, ...]
    """In execution order."""
    target: str = "host"
    """Where latency was measured: this machine, a board, or an emulated core, as the user named it."""
    target_failure: str = ""
    """Why there is none of it there."""
    left: dict[str, str]
    """Convolutions that stay as they are → why."""

    @property
    def judged(self) -> Judged:
        """Of the network that was written."""
        return self.without_repair if self.with_repair is None else self.with_repair
