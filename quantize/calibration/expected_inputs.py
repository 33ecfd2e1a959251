"""The mean of what each layer reads, from the moments of what lies before the activation functions.

Where a value's mean and standard deviation are known from batch normalisation (its shift and its scale are just that,
for the data that it was trained on), no data is looked at. They are folded into weights in most files, and a network's
input or an odd activation function has none: those values are measured, in one pass.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import onnx_ir as ir
from numpy.typing import NDArray

from ...graph.edit import clip_bounds, constant_of, is_op, only_reader
from ..layer import Layer
from ..rounding.analytic_bias_correction import clipped_normal_mean, means_by_tap
from .calibrate import Samples
from .channel_statistics import channel_statistics

__all__ = ["Moments", "batch_norm_moments", "expected_inputs"]

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Moments:
    """Of each channel of one value, [C] each."""

    mean: Floats
    std: Floats


def batch_norm_moments(model: ir.Model) -> dict[str, Moments]:
    """Moments by value name of a graph that still has its batch normalisations: mean β, standard deviation |γ|.

    The names are those of the values after folding: what a layer puts out that the normalisation alone read has its
    moments then, any other normalisation keeps the name of its own output.
    """
    found = {}
    for node in model.graph:
        source = node.inputs[0] if node.inputs else None
        if source is None or not is_op(node, "BatchNormalization"):
            continue
        gamma, beta = constant_of(node.inputs[1]), constant_of(node.inputs[2])
        if gamma is not None and beta is not None and not node.attributes.get_int("training_mode", 0):
            folded = is_op(source.producer(), "Conv", "ConvTranspose", "Gemm") and only_reader(source) is node
            value = source if folded else node.outputs[0]
            found[value.name or ""] = Moments(beta.astype(np.float64), np.abs(gamma.astype(np.float64)))
    return found


def expected_inputs(
    model: ir.Model, layers: Sequence[Layer], known: Mapping[str, Moments], data: Samples, *, where: str
) -> dict[str, Floats]:
    """E[x] by tap, [C_in, taps], by layer name: what bias correction multiplies a weight's error with.

    known: moments by value name; all others that are needed are measured on `data`. Raises QuantizeError if a sample
    does not fit.
    """
    values = {value.name or "": value for node in model.graph for value in (*node.inputs, *node.outputs) if value}
    leaves = dict.fromkeys(leaf for layer in layers for leaf in _leaves(values[layer.source]))
    missing = [name for name in leaves if name not in known]
    moments = dict(known)
    if missing:
        seen = channel_statistics(model, missing, data, where=where)
        moments |= {name: Moments(one.mean, one.std) for name, one in seen.items()}
    found = {}
    for layer in layers:
        value = values[layer.source]
        size = tuple(d for d in value.shape.dims[2:] if isinstance(d, int)) if value.shape is not None else ()
        found[layer.name] = means_by_tap(layer, _mean(value, moments), size)
    return found


def _rule(value: ir.Value) -> tuple[str, tuple[ir.Value, ...]]:
    """How the mean of `value` follows, and from which values: "clip" from moments, "sum" and "same" from means.

    "leaf": from nothing else. A leaf's own mean is needed, of what a clip reads the mean and the standard deviation.
    """
    node = value.producer()
    first, *rest = node.inputs if node is not None and node.inputs else (None,)
    if node is None or first is None or constant_of(first) is not None:
        return "leaf", ()
    if is_op(node, "Relu") or (is_op(node, "Clip") and None not in clip_bounds(node)):
        return "clip", (first,)
    if is_op(node, "Add") and rest[0] is not None and constant_of(rest[0]) is None and rest[0].shape == first.shape:
        return "sum", (first, rest[0])
    if is_op(node, "GlobalAveragePool") or (is_op(node, "Flatten", "Reshape", "Squeeze") and _one_position(first)):
        return "same", (first,)
    return "leaf", ()


def _one_position(value: ir.Value) -> bool:
    return value.shape is not None and len(value.shape) > 2 and all(size == 1 for size in value.shape.dims[2:])


def _leaves(value: ir.Value) -> list[str]:
    """Names of the values whose moments give the mean of `value`."""
    rule, parts = _rule(value)
    if rule == "leaf":
        return [value.name or ""]
    return [parts[0].name or ""] if rule == "clip" else [name for part in parts for name in _leaves(part)]


def _mean(value: ir.Value, moments: Mapping[str, Moments]) -> Floats:
    rule, parts = _rule(value)
    if rule == "leaf":
        return moments[value.name or ""].mean
    if rule == "clip":
        node, before = value.producer(), moments[parts[0].name or ""]
        low, high = (0.0, np.inf) if node is None or is_op(node, "Relu") else clip_bounds(node)
        if low is None or high is None:
            raise ValueError(f"'{value.name}' has bounds that are computed")
        return clipped_normal_mean(before.mean, before.std, low, high)
    total: Floats = np.sum([_mean(part, moments) for part in parts], axis=0)
    return total
