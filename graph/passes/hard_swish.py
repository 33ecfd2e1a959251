"""HardSwish and HardSigmoid are recognised in the arithmetic that spells them out."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import onnx_ir as ir

from ..edit import both_ways, clip_bounds, is_op, only_reader, replace_node, scalar_of

__all__ = ["recognise_hard_swish"]


def recognise_hard_swish(model: ir.Model) -> bool:
    """Write x · clip(x + 3, 0, 6) / 6 as HardSwish and clip(x + 3, 0, 6) / 6 as HardSigmoid(1/6, 1/2).

    Howard et al. 2019, arXiv:1905.02244, section 5.2. The factors in any order, the sixth as Div by 6 or Mul by 1/6,
    clip as Clip or as Relu and Min; inner values read by nothing else. Also Clip from 0 without upper bound → Relu.
    Ensures: none is left; x · Sigmoid(x) stays. Outputs within 1e-6 of the largest.
    """
    changed = False
    for node in tuple(model.graph):
        changed |= _relu(node) or _hard_swish(node) or _hard_sigmoid(node)
    return changed


def _relu(node: ir.Node) -> bool:
    if not is_op(node, "Clip") or clip_bounds(node) != (0.0, math.inf):
        return False
    replace_node(node, "Relu", [node.inputs[0]])
    return True


def _hard_sigmoid(node: ir.Node) -> bool:
    """clip(x + 3, 0, 6) / 6."""
    clipped = _sixth_of(node)
    source = _clipped_source(clipped)
    if source is None or clipped is None or only_reader(clipped) is not node:
        return False
    replace_node(node, "HardSigmoid", [source], {"alpha": 1 / 6, "beta": 0.5})
    return True


def _hard_swish(node: ir.Node) -> bool:
    """x · HardSigmoid(x), and x · clip(x + 3, 0, 6) / 6 with the division last."""
    source = None
    product = _sixth_of(node)
    if is_op(node, "Mul"):
        source = _gated(node, _gate)
    if source is None and product is not None and only_reader(product) is node:
        inner = product.producer()
        source = _gated(inner, _clipped_source) if inner is not None and is_op(inner, "Mul") else None
    if source is None:
        return False
    replace_node(node, "HardSwish", [source])
    return True


def _gated(product: ir.Node, gate: Callable[[ir.Value], ir.Value | None]) -> ir.Value | None:
    """x of `product` = x · gate(x)."""
    for x, other in both_ways(product):
        if x is not None and other is not None and only_reader(other) is product and gate(other) is x:
            return x
    return None


def _gate(value: ir.Value | None) -> ir.Value | None:
    """x of `value` = HardSigmoid(x) with alpha 1/6 and beta 1/2."""
    node = None if value is None else value.producer()
    if node is None or not is_op(node, "HardSigmoid"):
        return None
    settings = (node.attributes.get_float("alpha", 0.2), node.attributes.get_float("beta", 0.5))
    return node.inputs[0] if np.allclose(settings, (1 / 6, 0.5), rtol=1e-5) else None


def _sixth_of(node: ir.Node) -> ir.Value | None:
    """v of `node` = v / 6."""
    if is_op(node, "Div") and scalar_of(node.inputs[1]) == 6:
        return node.inputs[0]
    if is_op(node, "Mul"):
        for value, factor in both_ways(node):
            number = scalar_of(factor)
            if number is not None and math.isclose(number, 1 / 6, rel_tol=1e-5):
                return value
    return None


def _clipped_source(value: ir.Value | None) -> ir.Value | None:
    """x of `value` = clip(x + 3, 0, 6)."""
    node = None if value is None else value.producer()
    if node is None:
        return None
    shifted = node.inputs[0] if is_op(node, "Clip") and clip_bounds(node) == (0.0, 6.0) else _relu_then_min(node)
    add = shifted.producer() if shifted is not None and only_reader(shifted) is not None else None
    if add is None or not is_op(add, "Add"):
        return None
    for x, three in both_ways(add):
        if scalar_of(three) == 3:
            return x
    return None


def _relu_then_min(node: ir.Node) -> ir.Value | None:
    """v of `node` = Min(Relu(v), 6)."""
    if not is_op(node, "Min") or len(node.inputs) != 2:
        return None
    for value, bound in both_ways(node):
        relu = value.producer() if value is not None else None
        if scalar_of(bound) == 6 and relu is not None and is_op(relu, "Relu") and only_reader(relu.outputs[0]) is node:
            return relu.inputs[0]
    return None
