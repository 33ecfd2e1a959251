"""Products of matrices in a row on codes are kept apart.

OpenVINO (2026.4.1, its pass MLPSeqTokenization) makes one kernel of two products of few rows with pairs and elementwise
ops between, and does not take the zero point off where no bias is added or one number for all columns: other sums, or
sums without their scale. A dimension of 1 around the pair's codes, taken off behind it, keeps them two kernels.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .proto import Looked, copied, replace_nodes

__all__ = ["keep_products_apart"]

_PRODUCTS = ("Gemm", "MatMul")
_MOVES = (
    "Identity", "Reshape", "Flatten", "Squeeze", "Unsqueeze", "Transpose", "Slice", "Split", "Gather", "Concat",
    "MaxPool", "GlobalMaxPool",
)  # fmt: skip
"""What OpenVINO carries codes through as they are."""
_MOST_ROWS, _MOST_COLUMNS = 8, 256
"""Products that are larger are never joined."""
_AXES_AS_INPUT = 13
"""The first opset whose Squeeze and Unsqueeze take their axes as an input."""


def keep_products_apart(looked: Looked) -> bool:
    """Of two products in a row, one of which would lose its zero point, the second gets its codes by way of rank 3.

    Changes the model in place. Returns whether it did.
    """
    if looked.opset < _AXES_AS_INPUT:
        return False
    apart = _apart(looked)
    return replace_nodes(looked, lambda looked, node: _around(looked, node) if apart & {*node.output} else [])


def _around(looked: Looked, node: Any) -> list[Any]:
    """A DequantizeLinear of values of rank 2, by way of rank 3."""
    from onnx import helper

    name = node.output[0]
    axes = looked.add(f"{name}_apart_axes", np.array([0], np.int64))
    pair = copied(node)
    pair.input[0], pair.output[0] = f"{name}_apart_codes", f"{name}_apart"
    return [
        helper.make_node("Unsqueeze", [node.input[0], axes], list(pair.input[:1]), f"{name}_apart_unsqueezed"),
        pair,
        helper.make_node("Squeeze", [pair.output[0], axes], [name], f"{name}_apart_squeezed"),
    ]


def _apart(looked: Looked) -> set[str]:
    """The dequantised values between two such products, as the second reads them."""
    small = [node for node in looked.model.graph.node if _small(looked, node)]
    outputs = {node.output[0]: node for node in small}
    found = set()
    for node in small:
        before = _before(looked, node, outputs)
        if before is not None and (_loses(looked, before) or _loses(looked, node)):
            found.add(_read(looked, node))
    return found


def _small(looked: Looked, node: Any) -> bool:
    """A product of codes and a matrix, of few rows or of an open number, which may be set before the IR is compiled."""
    if node.op_type not in _PRODUCTS or node.domain or looked.grid(_read(looked, node)) is None:
        return False
    rows, matrix = looked.sizes(node.output[0]), looked.sizes(_source(looked, node.input[1]))
    if rows is None or len(rows) != 2 or matrix is None or len(matrix) != 2:
        return False
    return rows[0] <= _MOST_ROWS and max(matrix) <= _MOST_COLUMNS


def _read(looked: Looked, product: Any) -> str:
    """What it multiplies, before it was moved."""
    name = str(product.input[0])
    while name in looked.makers and looked.makers[name].op_type in _MOVES:
        name = str(looked.makers[name].input[0])
    return name


def _source(looked: Looked, name: str) -> str:
    maker = looked.makers.get(name)
    return str(maker.input[0]) if maker is not None and maker.op_type == "DequantizeLinear" else name


def _before(looked: Looked, node: Any, products: dict[str, Any]) -> Any:
    """The product whose result `node` reads, by way of nodes that keep its shape; None if there is none."""
    seen, left = set(), [node.input[0]]
    shape = looked.sizes(node.input[0])
    while left:
        name = left.pop()
        if name in products:
            return products[name]
        if name in seen or name not in looked.makers or looked.sizes(name) not in (None, shape):
            continue
        seen.add(name)
        left.extend(looked.makers[name].input)
    return None


def _loses(looked: Looked, product: Any) -> bool:
    """Whether its zero point is not 0, and nothing but one number is added to all columns."""
    grid = looked.grid(_read(looked, product))
    if grid is None or not grid[2].any():
        return False
    biases = list(product.input[2:])
    for node in looked.model.graph.node:
        if node.op_type == "Add" and product.output[0] in node.input:
            biases += [name for name in node.input if name != product.output[0]]
    return not any(_differs(looked, name) for name in biases)


def _differs(looked: Looked, name: str) -> bool:
    array = looked.array(_source(looked, name))
    return array is not None and np.unique(array).size > 1
