"""From a graph with Q/DQ pairs to the plain view, step by step."""

from __future__ import annotations

import onnx_ir as ir
import onnx_ir.passes.common as common

from .constants import read_constants
from .draft import Draft
from .pairs import merge_pairs
from .view import QuantizedModel

__all__ = ["read_qdq"]


def read_qdq(model: ir.Model) -> QuantizedModel:
    """The plain view of a loaded QDQ graph; of a float graph, the graph itself and no parameters.

    `model` is left as it is. Value names are those before QuantizeLinear, except that an output of the graph keeps its
    own. Reads uint8 and int8, per tensor and per channel, weights as codes or as float under a pair.
    Raises GraphError, naming the node, for what is not QDQ: integer operators, blocks, dynamic scales, 4 or 16 bits.
    """
    copy = model.clone()
    common.LiftConstantsToInitializersPass(lift_all_constants=True, size_limit=0)(copy)
    draft = Draft(copy)
    read_constants(draft)
    merge_pairs(draft)
    common.RemoveUnusedNodesPass()(copy)
    return draft.finished()
