"""The one form that quantisers and translators rely on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import onnx_ir as ir
import onnx_ir.passes.common as common

from ..shapes import infer_shapes
from .explicit_attributes import explicit_attributes
from .fold_affine import fold_affine
from .fold_batch_norm import fold_batch_norm
from .fold_pad import fold_pad
from .fold_slice import fold_slice
from .global_pool import reduce_to_global_pool
from .hard_swish import recognise_hard_swish
from .lift_constants import fold_constants, lift_constants, share_constants
from .matmul_to_gemm import matmul_to_gemm
from .name_nodes import name_nodes
from .remove_identity import remove_identity
from .repeat_to_resize import repeat_to_resize
from .sink_transposes import sink_transposes, still_transposes
from .to_reshape import to_reshape
from .wrap_pad import wrap_pad

__all__ = ["PASSES", "canonicalize"]

_FIRST: Final[tuple[Callable[[ir.Model], bool], ...]] = (
    lift_constants,
    fold_constants,
    explicit_attributes,
    remove_identity,
)
PASSES: Final = (
    *_FIRST,
    repeat_to_resize,
    sink_transposes,
    still_transposes,
    fold_batch_norm,
    fold_affine,
    wrap_pad,
    fold_pad,
    fold_slice,
    reduce_to_global_pool,
    recognise_hard_swish,
    matmul_to_gemm,
    to_reshape,
    share_constants,
)
"""In this order, again and again until none finds anything to do."""


def canonicalize(model: ir.Model) -> ir.Model:
    """A copy of a loaded graph in canonical form, float or QDQ; `model` is left as it is.

    What each pass of PASSES ensures holds for the whole; dead code is gone, nodes have unique readable names, shapes
    are known. Outputs within 1e-5 of the largest output; those of a QDQ graph likewise. Inputs, outputs, their names
    and the model's metadata stay. Canonicalizing twice changes nothing.
    """
    copy = model.clone()
    # First what is constant: a normalisation goes into a layer only if the layer's weights are known to be.
    _repeat(copy, _FIRST)
    _repeat(copy, PASSES)
    _drop_unused(copy)
    name_nodes(copy)
    return copy


def _repeat(model: ir.Model, steps: tuple[Callable[[ir.Model], bool], ...]) -> None:
    changed = True
    while changed:
        changed = False
        for step in steps:
            changed |= step(model)
        _drop_unused(model)
        infer_shapes(model)


def _drop_unused(model: ir.Model) -> None:
    common.RemoveUnusedNodesPass()(model)
    common.RemoveUnusedOpsetsPass()(model)
