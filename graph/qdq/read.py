"""From a graph with Q/DQ pairs to the plain view, step by step."""

from __future__ import annotations

import onnx_ir as ir
import onnx_ir.passes.common as common

from ..passes.lift_constants import lift_constants
from ..passes.name_nodes import name_nodes
from .biases import settle_biases
from .clips import drop_redundant_clips
from .constants import read_constants
from .draft import Draft
from .moves import share_grids
from .pairs import merge_pairs
from .still_channels import still_channels
from .survey import refuse_all
from .view import QuantizedModel
from .weights import lay_out_weights

__all__ = ["read_qdq"]


def read_qdq(model: ir.Model) -> QuantizedModel:
    """The plain view of a loaded QDQ graph; of a float graph, the graph itself and no parameters.

    `model` is left as it is. Reads uint8 and int8, per tensor and per channel, weights as codes or as float under a
    pair. Value names are those before QuantizeLinear, except that an output of the graph keeps its own; nodes are named
    as `canonicalize` names them.
    Ensures, beside what the view says: operators that only move values have one grid in and out; a Relu or Clip that
    the grid behind it does anyway is gone; weights of Gemm are [C_out, C_in]; biases of integer layers are int32 codes
    of scale s_in · s_weight; a channel whose sums could leave int32 has no weights if all of them have one code. All of
    it is exact, except that a bias which another quantiser left in float is rounded to that grid (`rounded` says by how
    much).
    Raises UnsupportedQuantization, with every node and its reason, for what is not QDQ: integer operators, blocks,
    dynamic scales, 4 or 16 bits. `graph.adopt` brings many of those into this form.
    """
    copy = model.clone()
    lift_constants(copy)
    refuse_all(copy)
    draft = Draft(copy)
    read_constants(draft)
    merge_pairs(draft)
    lay_out_weights(draft)
    drop_redundant_clips(draft)
    share_grids(draft)
    still_channels(draft, settle_biases(draft))
    common.RemoveUnusedNodesPass()(copy)
    name_nodes(copy)
    return draft.finished()
