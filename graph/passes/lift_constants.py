"""Constants become initialisers, and what can be computed beforehand is computed."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import onnx.reference
import onnx_ir as ir
import onnx_ir.passes.common as common
from numpy.typing import NDArray

from ..edit import add_initializer, constant_of, is_op, standard_domain

__all__ = ["fold_constants", "lift_constants", "share_constants"]

_QUANTIZATION = ("QuantizeLinear", "DequantizeLinear", "DynamicQuantizeLinear")
_RANDOM = ("RandomNormal", "RandomNormalLike", "RandomUniform", "RandomUniformLike", "Bernoulli", "Multinomial")
_WEIGHTED = ("Conv", "ConvTranspose", "Gemm", "MatMul", "BatchNormalization")


def lift_constants(model: ir.Model) -> bool:
    """Turn every Constant node into an initialiser. Exact.

    Ensures: no Constant node is left, except where one is an output of the graph.
    """
    return common.LiftConstantsToInitializersPass(lift_all_constants=True, size_limit=0)(model).modified


def share_constants(model: ir.Model) -> bool:
    """Let equal bounds, axes, shapes and scales be one initialiser. Exact.

    The parameters of layers stay apart even where they are equal (all-zero biases): each will be quantised by itself.
    """
    first: dict[tuple[object, ...], ir.Value] = {}
    changed = False
    for value in tuple(model.graph.initializers.values()):
        array = constant_of(value)
        if array is None or value.is_graph_output() or _parameter(value) or array.size > 1024:
            continue
        key = (value.dtype, array.shape, array.tobytes())
        if key not in first:
            first[key] = value
            continue
        value.replace_all_uses_with(first[key])
        model.graph.initializers.pop(str(value.name))
        changed = True
    return changed


def fold_constants(model: ir.Model) -> bool:
    """Replace nodes whose inputs are all constant, Shape of a fixed shape and Gather of fixed sizes by what they give.

    A size may be fixed where the batch is open: frameworks ask for each by itself. Quantisation of constants is left
    alone: it is what a QDQ file is about. Exact up to float rounding of the reference evaluator. Ensures: shape
    arithmetic over fixed sizes is gone.
    """
    changed = False
    for node in tuple(model.graph):
        sizes = _gathered_sizes(node)
        if sizes is None and not _foldable(node):
            continue
        results = _evaluate(node, model.opset_imports.get("", 20)) if sizes is None else [sizes]
        for old, array in zip(node.outputs, results, strict=True):
            name, old.name = old.name or node.op_type, None
            old.replace_all_uses_with(add_initializer(model.graph, name, array))
        model.graph.remove(node, safe=True)
        changed = True
    return changed


def _parameter(value: ir.Value) -> bool:
    return any(is_op(use.node, *_WEIGHTED, "DequantizeLinear") and use.idx != 0 for use in value.uses()) and any(
        is_op(use.node, *_WEIGHTED) for use in value.uses()
    )


def _foldable(node: ir.Node) -> bool:
    if not standard_domain(node) or any(output.is_graph_output() for output in node.outputs):
        return False
    if is_op(node, "Shape"):
        source = node.inputs[0]
        return source is not None and source.shape is not None and source.shape.is_static()
    if is_op(node, *_QUANTIZATION, *_RANDOM, "Constant", "If", "Loop", "Scan"):
        return False
    return bool(node.inputs) and all(value is None or constant_of(value) is not None for value in node.inputs)


def _gathered_sizes(node: ir.Node) -> NDArray[np.int64] | None:
    """What a Gather takes out of a Shape, where those sizes are fixed."""
    if not is_op(node, "Gather") or node.outputs[0].is_graph_output() or node.inputs[0] is None:
        return None
    shape, indices = node.inputs[0].producer(), constant_of(node.inputs[1])
    if shape is None or not is_op(shape, "Shape") or indices is None or {"start", "end"} & set(shape.attributes):
        return None
    source = shape.inputs[0]
    sizes = source.shape.dims if source is not None and source.shape is not None else ()
    if not sizes or indices.min() < -len(sizes) or indices.max() >= len(sizes):
        return None
    taken = [sizes[int(index)] for index in indices.reshape(-1)]
    if not all(isinstance(size, int) for size in taken):
        return None
    return np.array(taken, np.int64).reshape(indices.shape)


def _evaluate(node: ir.Node, opset: int) -> list[NDArray[Any]]:
    feeds = {str(value.name): _array(value) for value in node.inputs if value is not None}
    evaluator = onnx.reference.ReferenceEvaluator(ir.to_proto(node), opsets={"": opset})
    results = evaluator.run(None, feeds)
    return [np.asarray(result) for result in results]


def _array(value: ir.Value) -> NDArray[Any]:
    array = constant_of(value)
    if array is not None:
        return array
    # Of Shape's input only the shape matters.
    return np.zeros(value.shape.numpy() if value.shape is not None else (), np.uint8)
