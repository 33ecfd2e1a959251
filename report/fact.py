"""What every record of the results has in common: frozen, no unknown keys, no NaN, and the units' bounds."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

__all__ = ["Bytes", "Count", "Fact", "How", "Milliseconds", "Share"]

How = Literal["measured", "emulated", "predicted"]
"""How a figure was had: on that hardware; by real binaries on an emulated core (no time); by a model's estimate."""

Share = Annotated[float, Field(ge=0, le=1)]
"""A fraction of a whole, in [0, 1]."""

Milliseconds = Annotated[float, Field(gt=0)]
Bytes = Annotated[int, Field(gt=0)]
Count = Annotated[int, Field(ge=0)]


class Fact(BaseModel):
    """A frozen record. Unknown figures are None, never 0; a misspelt key is an error; NaN and infinity are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, use_attribute_docstrings=True)
