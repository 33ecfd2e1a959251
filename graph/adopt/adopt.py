"""From a QDQ graph as some other tool wrote it to one that the reader, the cutter and the translators take."""

from __future__ import annotations

from dataclasses import dataclass

import onnx_ir as ir
import onnx_ir.passes.common as common

from ..passes.lift_constants import fold_constants, lift_constants
from ..qdq.params import is_dequantize, is_quantize
from ..qdq.survey import refuse_all
from .channel_scales import fold_channel_scales
from .clipped_codes import real_clips
from .constant_codes import settle_constants
from .float_biases import settle_float_biases

__all__ = ["Adopted", "adopt", "is_quantized"]


@dataclass(frozen=True)
class Adopted:
    """model: a changed copy, or the very model that was given where nothing had to change. told: a line a change."""

    model: ir.Model
    told: tuple[str, ...]


def is_quantized(model: ir.Model) -> bool:
    """Whether any node quantises or dequantises."""
    return any(is_quantize(node) or is_dequantize(node) for node in model.graph)


def adopt(model: ir.Model) -> Adopted:
    """Bring a loaded QDQ graph into the form that Sepia reads. A second time changes nothing.

    1. Constant codes that int8 holds with zero point 0 are so held, and a quantised float constant is stored as its
       codes; constants in codes of other widths, or scaled in blocks, become the float numbers that they stand for.
    2. A Clip of codes between the nodes of a pair becomes a Clip of the real values before it, or goes where it does
       nothing.
    3. Activations with scales per channel get one scale: the layers before and behind take the channels' scales into
       their weights' scales.
    4. Float biases of layers between codes become int32 codes, so that all engines round them alike.
    1 and 2 are exact, 3 but for the rounding of a product of two scales, 4 to half a step of the sum. Raises
    UnsupportedQuantization, with every node and its reason, for what cannot be brought into that form.
    """
    if not is_quantized(model):
        return Adopted(model, ())
    copy = model.clone()
    lift_constants(copy)
    told = ["what shapes and constants give computed beforehand"] if fold_constants(copy) else []
    told += [*settle_constants(copy), *real_clips(copy), *fold_channel_scales(copy), *settle_float_biases(copy)]
    common.RemoveUnusedNodesPass()(copy)
    refuse_all(copy)
    if not told:
        return Adopted(model, ())
    return Adopted(copy, tuple(told))
