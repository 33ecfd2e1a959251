"""How an input is prepared: the numbers between a photo and the tensor that a network reads."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields
from math import isfinite
from typing import Literal, Self, get_args

from ..errors import InputError

__all__ = ["LABELS_KEY", "PREPARATION_KEY", "Preparation"]

PREPARATION_KEY = "sepia.preparation"
"""Metadata key, in every file format, of the preparation as JSON."""

LABELS_KEY = "sepia.labels"
"""Metadata key, in every file format, of the class names as a JSON list, in the order of the logits."""

Resampling = Literal["nearest", "bilinear", "bicubic"]

_CHOICES = {
    "crop": ("centre",),
    "resampling": get_args(Resampling),
    "colour": ("RGB", "BGR", "GREY"),
    "layout": ("NCHW",),
}


@dataclass(frozen=True)
class Preparation:
    """From an 8-bit photo to float32: resize, crop, reorder, then (pixel − mean) / scale.

    height, width: what the network reads, in pixels. resize: length of the photo's *shorter* side before the centre
    crop, in pixels, never less than the crop; 0 squeezes the whole photo to height × width without a crop. colour:
    order of the three channels, or "GREY" for one. mean, scale: per channel, on pixels in [0, 255]. Arrays are made
    as [N, C, H, W] (`layout` "NCHW", what torch and ONNX take); a file of another layout says so in metadata of its
    own.
    """

    height: int = 224
    width: int = 224
    resize: int = 256
    crop: Literal["centre"] = "centre"
    resampling: Resampling = "bilinear"
    colour: Literal["RGB", "BGR", "GREY"] = "RGB"
    mean: tuple[float, ...] = (127.0, 127.0, 127.0)
    scale: tuple[float, ...] = (128.0, 128.0, 128.0)
    layout: Literal["NCHW"] = "NCHW"

    def __post_init__(self) -> None:
        """Raises InputError where the numbers cannot prepare anything."""
        if min(self.height, self.width) < 1 or self.resize < 0:
            raise InputError("preparation", f"size {self.height}×{self.width}, resize {self.resize} is not positive")
        if 0 < self.resize < max(self.height, self.width):
            raise InputError(
                "preparation",
                f"resize {self.resize} leaves less than the crop of {self.height}×{self.width}",
                accepted=f"0, or {max(self.height, self.width)} and more",
            )
        for key, choices in _CHOICES.items():
            if getattr(self, key) not in choices:
                raise InputError("preparation", f"{key} is {getattr(self, key)!r}", accepted=", ".join(choices))
        for key, values in (("mean", self.mean), ("scale", self.scale)):
            if len(values) != self.channels:
                raise InputError("preparation", f"{key} has {len(values)} values for {self.channels} channels")
        if not all(isfinite(value) for value in (*self.mean, *self.scale)) or 0.0 in self.scale:
            raise InputError("preparation", f"mean {self.mean} and scale {self.scale} must be finite, scale not 0")

    @property
    def channels(self) -> int:
        return 1 if self.colour == "GREY" else 3

    def to_json(self) -> str:
        """One line of JSON with sorted keys, the same text for the same preparation."""
        return json.dumps(asdict(self), sort_keys=True)

    @classmethod
    def from_json(cls, text: str, *, where: str = "metadata") -> Self:
        """Read back what `to_json` wrote. Raises InputError naming `where` if it is not that."""
        try:
            found = json.loads(text)
        except json.JSONDecodeError as error:
            raise InputError(where, f"{PREPARATION_KEY} is not JSON ({error})") from error
        names = {field.name for field in fields(cls)}
        if not isinstance(found, dict) or set(found) - names:
            raise InputError(where, f"{PREPARATION_KEY} has unknown keys", accepted=", ".join(sorted(names)))
        try:
            for key in ("mean", "scale"):
                if key in found:
                    found[key] = tuple(float(value) for value in found[key])
            for key in ("height", "width", "resize"):
                if key in found:
                    found[key] = int(found[key])
            return cls(**found)
        except (TypeError, ValueError) as error:
            raise InputError(where, f"{PREPARATION_KEY} cannot be used ({error})") from error
        except InputError as error:
            raise InputError(where, error.what, accepted=error.accepted) from error
