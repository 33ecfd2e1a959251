"""An explanation made up for tests: three layers, each with something else to say of it."""

from __future__ import annotations

from typing import Any

from sepia.report.explained import Explanation
from sepia.report.explained.explanation import (
    ActivationFacts,
    Channel,
    Hint,
    LayerRow,
    OutputError,
    PartError,
    WeightFacts,
)

__all__ = ["sample_explanation"]


def sample_explanation(**changes: Any) -> Explanation:
    """`changes` replace its fields."""
    return Explanation(**{**_FIELDS, **changes})


_STEM = LayerRow(
    index=1, layer="stem.conv", kind="standard", op="Conv", tensor="stem.relu", sqnr_db=34.7, sqnr_alone_db=34.7,
    share=0.04, shift=0.01, weights=PartError(alone=0.01, share=0.03, spared=0.02),
    activation=PartError(alone=0.006, share=0.01, spared=-0.01),
    weight_facts=WeightFacts(
        per_channel=True, sqnr_db=41.0, low=-1.2, high=0.9, widest=1, narrowest=0, ratio=3.0, codes_used=127
    ),
    activation_facts=ActivationFacts(
        scale=0.0235, zero_point=0, low=0.0, high=6.0, seen_low=0.0, seen_high=6.0, clipped_low=0.0, clipped_high=0.0,
        codes=256, unused=3,
    ),
    dead=(2,), worst=(), hints=(
        Hint(cause="1 channel never changed on these samples (2)", remedy="calibrate on others", harmless=True),
    ),
    by_channel={
        "low": (0.0, 0.0, 0.0), "high": (6.0, 4.1, 0.0), "sqnr_db": (40.1, 38.0, None),
        "weight_low": (-0.4, -1.2, -0.5), "weight_high": (0.3, 0.9, 0.2), "grid_end": (0.4, 1.2, 0.5),
        "scale": (0.00315, 0.00945, 0.00394),
    },
)  # fmt: skip
_DEPTHWISE = LayerRow(
    index=2, layer="block.dw", kind="depthwise", op="Conv", tensor="block.relu", sqnr_db=9.3, sqnr_alone_db=9.9,
    share=0.9, shift=0.2, weights=PartError(alone=0.21, share=0.89, spared=0.8),
    activation=PartError(alone=0.02, share=0.01, spared=0.0),
    weight_facts=WeightFacts(
        per_channel=False, sqnr_db=12.0, low=-6.1, high=5.9, widest=0, narrowest=1, ratio=610.0, codes_used=0
    ),
    activation_facts=ActivationFacts(
        scale=0.0235, zero_point=0, low=0.0, high=6.0, seen_low=0.0, seen_high=6.0, clipped_low=0.0,
        clipped_high=0.125, codes=256, unused=0,
    ),
    dead=(), worst=(
        Channel(
            channel=1, sqnr_db=0.2, weight_low=-0.01, weight_high=0.008, scale=0.048, ratio=0.00164, codes_used=0,
            low=0.0, high=5.5,
        ),
    ),
    hints=(
        Hint(cause="channel ranges 1:610 on a per-tensor grid", remedy='weights = "per-channel"'),
        Hint(cause="12.5% of its values are clipped at the top", remedy='ranges = "minmax"'),
    ),
    by_channel={
        "low": (0.0, 0.0), "high": (6.0, 5.5), "sqnr_db": (31.0, 0.2), "weight_low": (-6.1, -0.01),
        "weight_high": (5.9, 0.008), "grid_end": (6.1, 0.0), "scale": (0.048, 0.048),
    },
)  # fmt: skip
_INPUT = LayerRow(
    index=0, layer="image", kind="input", op="Input", tensor="image", sqnr_db=None, sqnr_alone_db=None, share=0.06,
    shift=0.0, weights=None, activation=PartError(alone=0.05, share=0.06, spared=0.03), weight_facts=None,
    activation_facts=ActivationFacts(
        scale=0.01, zero_point=128, low=-1.28, high=1.27, seen_low=-1.0, seen_high=1.0, clipped_low=0.0,
        clipped_high=0.0, codes=256, unused=55,
    ),
    dead=(), worst=(), hints=(), by_channel={"low": (-1.0,), "high": (1.0,), "sqnr_db": (None,)},
)  # fmt: skip

_FIELDS: dict[str, Any] = {
    "source": "model.onnx",
    "file": "model.int8.onnx",
    "data": "calibration (200 images)",
    "samples": 32,
    "built_in": False,
    "recipe": "minmax",
    "outputs": (OutputError(name="logits", rms=0.25, spread=1.14, agreement=0.9375),),
    "whole": 0.219,
    "rebuilt": 0.22,
    "weights": 0.21,
    "activations": 0.055,
    "in_quadrature": 0.222,
    "layers": (_INPUT, _STEM, _DEPTHWISE),
    "left_float": ("classifier",),
    "lost": (),
    "seconds": 61.2,
}
