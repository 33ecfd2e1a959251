"""An explanation as it is kept: `explanation.json`, with a published schema."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self

from pydantic import ConfigDict, Field, ValidationError, model_validator

from ...errors import InputError
from ...files import write_text
from ..fact import Count, Fact, Share

__all__ = [
    "EXPLANATION_SCHEMA_ID",
    "ActivationFacts",
    "Channel",
    "Explanation",
    "Hint",
    "LayerRow",
    "OutputError",
    "PartError",
    "WeightFacts",
    "explanation_schema",
    "load_explanation",
    "save_explanation",
]

EXPLANATION_SCHEMA_ID: Final = "urn:sepia:explanation:1"
"""Value of the key `$schema`. The number grows when a reader of the old one would read the new one wrongly."""

Positive = Annotated[float, Field(ge=0)]


class OutputError(Fact):
    """One output of the network, quantised against float."""

    name: str
    rms: Positive
    """Root mean square error, in the output's own unit."""
    spread: Positive
    """Rms of the float output about its mean."""
    agreement: Share | None
    """Share of positions with the same greatest channel; null for fewer than two channels."""


class PartError(Fact):
    """What one source, a layer's weights or an activation's grid, adds to the error at the output."""

    alone: Positive
    """Rms error with this as all that is rounded in the float network, as a share of the output's spread."""
    share: Share
    """alone² of the sum over all sources."""
    spared: float
    """Share of the quantised network's mean square error that goes when this alone is left in float. Below 0 where it
    makes up for another's error."""


class WeightFacts(Fact):
    """A layer's weights on their grid."""

    per_channel: bool
    """A scale a channel, or one for all."""
    sqnr_db: float | None
    """Power of the float weights over that of their error; null where there is none."""
    low: float
    high: float
    widest: Count | None
    """The channel of the greatest range; null where all weights are zero."""
    narrowest: Count | None
    """The channel of the least range that is not zero."""
    ratio: float | None
    """How many times the widest is as wide as the narrowest."""
    codes_used: Count | None
    """Largest magnitude of a code in the narrowest channel, of 127."""


class ActivationFacts(Fact):
    """An activation's grid, and what the float network's values do on it."""

    scale: Annotated[float, Field(gt=0)]
    zero_point: int
    """In the encoding of the file."""
    low: float
    """The grid's lower end."""
    high: float
    seen_low: float
    """Least value in the float network."""
    seen_high: float
    clipped_low: Share
    """Share of values below the grid."""
    clipped_high: Share
    codes: Count
    """Codes that the grid has; 0 where they were not counted, for it has a scale a channel."""
    unused: Count
    """Codes that no value has."""


class Channel(Fact):
    """One of a layer's worst channels."""

    channel: Count
    sqnr_db: float | None
    """Of the layer alone, fed with float inputs."""
    weight_low: float | None
    weight_high: float | None
    scale: float | None
    """Of its weights."""
    ratio: Share | None
    """Its weights' range over that of the tensor."""
    codes_used: Count | None
    """Largest magnitude of its codes, of 127."""
    low: float
    """Least value of its activation."""
    high: float


class Hint(Fact):
    """What is wrong, and what would mend it."""

    cause: str
    remedy: str
    harmless: bool = False
    """As far as these samples tell, nothing is lost by it."""


class LayerRow(Fact):
    """One layer, in execution order."""

    index: Count
    layer: str
    kind: str
    op: str
    tensor: str
    """What it puts out, as the file calls it."""
    sqnr_db: float | None
    """Of its output in the quantised network, against float; null where there is no error, or no signal."""
    sqnr_alone_db: float | None
    """Of its output when it is fed with float inputs."""
    share: Share
    """Of the squares of all parts, its weights' and its activation's together."""
    shift: Positive
    """Share of its own error power that is a constant a channel."""
    weights: PartError | None
    activation: PartError | None
    weight_facts: WeightFacts | None
    activation_facts: ActivationFacts | None
    dead: tuple[Count, ...]
    """Channels whose float output never changes."""
    worst: tuple[Channel, ...]
    hints: tuple[Hint, ...]
    by_channel: dict[str, tuple[float | None, ...]]
    """One number a channel: low, high (activation), sqnr_db (of the layer alone); with weights also weight_low,
    weight_high, grid_end and scale."""


class Explanation(Fact):
    """Where one quantised network loses what. Errors without a unit are shares of the output's spread."""

    model_config = ConfigDict(populate_by_name=True)

    schema_id: Literal["urn:sepia:explanation:1"] = Field(
        default=EXPLANATION_SCHEMA_ID, validation_alias="$schema", serialization_alias="$schema"
    )
    source: str
    """The float file."""
    file: str
    """The quantised file."""
    data: str
    samples: Count
    built_in: bool
    """Nobody gave data: the samples are the photos in scikit-image's wheel."""
    recipe: str | None
    """Null where nobody knows it."""
    outputs: tuple[OutputError, ...]
    whole: Positive
    """Rms error of the file."""
    rebuilt: Positive
    """The same of the float network with all sources on; far from `whole`, the file does more than was found."""
    weights: Positive
    """With all weights rounded and no activation."""
    activations: Positive
    """With all activations rounded and no weight."""
    in_quadrature: Positive
    """√Σ alone²: what the whole would be if errors knew nothing of one another."""
    layers: tuple[LayerRow, ...]
    left_float: tuple[str, ...]
    """Layers with weights that the file does not round."""
    lost: tuple[str, ...]
    """What of the file was not found in the float network."""
    seconds: Positive

    @model_validator(mode="after")
    def _channels_are_complete(self) -> Self:
        for row in self.layers:
            if len({len(numbers) for numbers in row.by_channel.values()}) > 1:
                raise ValueError(f"{row.layer}: by_channel has lists of several lengths")
        return self

    @property
    def worst_first(self) -> tuple[LayerRow, ...]:
        """Layers by what they add, the worst first."""
        return tuple(sorted(self.layers, key=lambda row: (-row.share, row.index)))

    @property
    def complete(self) -> bool:
        """Whether the parts that were found make up the file's error, to 10 %."""
        return abs(self.rebuilt - self.whole) <= 0.1 * max(self.whole, 1e-12)

    @property
    def unit(self) -> float:
        """What turns errors into the output's own unit: its spread, where there is one output; else 1."""
        return self.outputs[0].spread if len(self.outputs) == 1 and self.outputs[0].spread > 0 else 1.0


def explanation_schema() -> str:
    """The schema as the models have it: JSON Schema 2020-12. A test holds the published file to it."""
    made = Explanation.model_json_schema(by_alias=True)
    dialect = "https://json-schema.org/draft/2020-12/schema"
    return json.dumps({"$schema": dialect, "$id": EXPLANATION_SCHEMA_ID, **made}, indent=1, ensure_ascii=False) + "\n"


def save_explanation(explanation: Explanation, path: Path) -> None:
    """Write as JSON, in one move. Raises OutputError."""
    write_text(path, explanation.model_dump_json(by_alias=True) + "\n")


def load_explanation(path: Path) -> Explanation:
    """Read what `save_explanation` wrote. Raises InputError in one line."""
    try:
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise InputError(str(path), "no such file", hint="`sepia explain DIR` writes explanation.json") from error
    except (OSError, ValueError) as error:
        raise InputError(str(path), f"is no explanation ({error})") from error
    try:
        return Explanation.model_validate_json(json.dumps(found), strict=True)
    except ValidationError as error:
        problem = error.errors()[0]
        place = ".".join(str(part) for part in problem["loc"]) or "explanation"
        raise InputError(str(path), f"{place}: {problem['msg']}", accepted=EXPLANATION_SCHEMA_ID) from error
