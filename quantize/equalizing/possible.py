"""Ends that no value of a channel can pass, whatever the input: interval arithmetic through the network."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import onnx_ir as ir
from numpy.typing import NDArray

from ...graph.edit import clip_bounds, is_op
from .rescale import LayerArrays, read_arrays
from .streams import find_streams

__all__ = ["possible_ends"]

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class _Interval:
    """[C] or [1] each; infinite where nothing is known."""

    low: Floats
    high: Floats


_ANY = _Interval(np.array([-np.inf]), np.array([np.inf]))


def possible_ends(model: ir.Model) -> dict[str, tuple[Floats, Floats]]:
    """(least, greatest) value of each channel, [C], of every output of a layer in a stream; ±inf where unbounded.

    What a Clip or a Sigmoid lets through is bounded, so is a weighted sum of it. The bounds hold for every input, and
    are wide: they take all that a layer reads to be at its worst at once.
    """
    names = {name for stream in find_streams(model) for name in (*stream.writers, *stream.readers)}
    layers = read_arrays(model, names)
    known: dict[ir.Value, _Interval] = {}
    found: dict[str, tuple[Floats, Floats]] = {}
    for node in model.graph:
        source = node.inputs[0] if node.inputs else None
        before = known.get(source, _ANY) if source is not None else _ANY
        layer = layers.get(node.name or "")
        if layer is not None:
            after = _through_layer(layer, before)
            found[node.outputs[0].name or ""] = (after.low, after.high)
        else:
            after = _through_op(node, before)
        if node.outputs:
            known[node.outputs[0]] = after
    return found


def _through_layer(layer: LayerArrays, before: _Interval) -> _Interval:
    per_group = layer.weight.shape[1]
    grouped = layer.weight.reshape(layer.group, -1, per_group, int(np.prod(layer.weight.shape[2:])))
    # Padding puts zeros beside what the interval says.
    low, high = (
        np.broadcast_to(end, (layer.group * per_group,)).reshape(layer.group, 1, per_group, 1)
        for end in (np.minimum(before.low, 0.0), np.maximum(before.high, 0.0))
    )
    positive, negative = np.maximum(grouped, 0.0), np.minimum(grouped, 0.0)

    def total(one: Floats, other: Floats) -> Floats:
        with np.errstate(invalid="ignore"):
            # A weight of zero reads nothing, however large: 0 · ∞ is 0 here.
            products = np.nan_to_num(positive * one, nan=0.0, posinf=np.inf, neginf=-np.inf)
            products += np.nan_to_num(negative * other, nan=0.0, posinf=np.inf, neginf=-np.inf)
        result: Floats = products.sum(axis=(2, 3)).reshape(-1) + layer.bias
        return result

    return _Interval(total(low, high), total(high, low))


def _through_op(node: ir.Node, before: _Interval) -> _Interval:
    if is_op(node, "Relu"):
        return _Interval(np.maximum(before.low, 0.0), np.maximum(before.high, 0.0))
    if is_op(node, "Clip"):
        low, high = clip_bounds(node)
        if low is None or high is None:
            return _ANY
        return _Interval(np.clip(before.low, low, high), np.clip(before.high, low, high))
    if is_op(node, "Sigmoid", "HardSigmoid", "Softmax"):
        return _Interval(np.zeros(1), np.ones(1))
    if is_op(node, "Identity", "MaxPool", "AveragePool", "GlobalAveragePool", "GlobalMaxPool"):
        # An average over padding that is counted lies nearer to zero.
        return _Interval(np.minimum(before.low, 0.0), np.maximum(before.high, 0.0))
    if is_op(node, "Flatten", "Reshape", "Squeeze") and before.low.size == 1:
        return before
    return _ANY
