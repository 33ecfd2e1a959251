"""What OpenVINO reads otherwise than ONNX means it, said in words that it reads alike. Exact, each of them."""

from __future__ import annotations

from typing import Any

from .one_column import stride_one_column
from .pads_on_codes import put_pads_on_codes
from .products_apart import keep_products_apart
from .proto import Looked
from .slopes import align_slopes
from .transposed_pads import spell_out_transposed_pads
from .whole_windows import window_reductions

__all__ = ["spell_out"]

_REWRITES = (
    spell_out_transposed_pads,
    put_pads_on_codes,
    align_slopes,
    window_reductions,
    stride_one_column,
    keep_products_apart,
)


def spell_out(model: Any) -> bool:
    """Change `model` (onnx.ModelProto) in place; values keep their names. Returns whether anything was changed."""
    looked, changed = Looked(model), False
    for rewrite in _REWRITES:
        if rewrite(looked):
            # What was inferred of the model is looked up again only where the model is another.
            looked, changed = Looked(model), True
    return changed
