"""Weights and biases of layers that multiply and add: their order of axes, their codes, and the rules that int8 sets.

TFLite wants int8 weights with zero point 0 and an int32 bias on the grid s_in · s_w, channel by channel. No runtime
checks the bias's scale: a wrong one gives wrong outputs in silence, so it is checked here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...graph.quantization import QuantParams
from .program import Quantization, Tensor
from .rows import Condition
from .site import Site, dims
from .writer import Writer, int8_codes, quantization

__all__ = ["BIAS_RULE", "CONSTANT_WEIGHT", "INT8_RULES", "PLAIN_GEMM", "TWO_AXES", "arranged_weight", "bias", "weight"]

_SCALE_TOLERANCE = 1e-5
"""Relative: a product of two float32 that somebody rounded another way."""


def _is_constant(site: Site) -> bool:
    return site.constant(1) is not None and (not site.has_input(2) or site.constant(2) is not None)


def _symmetric(site: Site) -> bool:
    params = site.params(1)
    return params is None or (params.dtype != "int32" and not params.as_dtype("int8").zero_point.any())


def _kernel_params(site: Site) -> QuantParams | None:
    """Of the weights, a scale for each output channel (or one for all); None where no axis tells them apart.

    A transposed convolution in groups holds [C_in, C_out / group, …]: an axis of each group's outputs (the same scales
    in all groups), or, of a depthwise one, of the channels, whose outputs share a scale.
    """
    params, array = site.params(1), site.constant(1)
    if params is None or not params.per_channel:
        return params
    if array is None:
        return None
    axis = (params.axis or 0) % array.ndim
    if site.node.op_type != "ConvTranspose":
        first = 0 if site.node.op_type == "Conv" or site.integer("transB") else 1
        return params if axis == first else None
    group = site.integer("group", 1)
    if axis == 1:
        return replace(params, scale=np.tile(params.scale, group), zero_point=np.tile(params.zero_point, group))
    if axis == 0 and array.shape[0] == group:
        each = array.shape[1]
        return replace(params, scale=np.repeat(params.scale, each), zero_point=np.repeat(params.zero_point, each))
    return None


def _per_output_channel(site: Site) -> bool:
    return site.params(1) is None or _kernel_params(site) is not None


def _bias_on_grid(site: Site) -> bool:
    data, kernel, bias = site.params(0), _kernel_params(site), site.params(2) if site.has_input(2) else None
    if data is None or kernel is None or bias is None:
        return True
    wanted = data.scale.astype(np.float64) * kernel.scale.astype(np.float64)
    return bias.dtype == "int32" and not bias.zero_point.any() and _close(bias.scale, wanted)


def _close(scale: NDArray[np.float32], wanted: NDArray[np.float64]) -> bool:
    return bool(np.all(np.abs(scale - wanted) <= _SCALE_TOLERANCE * wanted))


def _bias_fits(site: Site) -> bool:
    """A float bias (some quantisers leave it so) is rounded to the grid here; it must fit into int32."""
    data, kernel = site.params(0), _kernel_params(site)
    real = site.constant(2) if site.has_input(2) else None
    if data is None or kernel is None or real is None or site.params(2) is not None:
        return True
    scale = data.scale.astype(np.float64) * kernel.scale.astype(np.float64)
    return bool(np.all(np.abs(real.astype(np.float64) / scale) < 2**31 - 1))


CONSTANT_WEIGHT = Condition("constant weights and bias", _is_constant, "run constant folding before the export")
PLAIN_GEMM = Condition(
    "transA 0, alpha 1, beta 1",
    lambda site: not site.integer("transA") and site.real("alpha", 1.0) == 1.0 and site.real("beta", 1.0) == 1.0,
    "fold the factors into the weights",
)
TWO_AXES = Condition(
    "constant weights of rank 2 on the right",
    lambda site: site.constant(1) is not None and len(dims(site.input(1))) == 2,
)


def _sums_fit(site: Site) -> bool:
    """No sum of the products of any input, its bias added, leaves int32, where LiteRT's would wrap round in silence."""
    data, kernel = site.params(0), _kernel_params(site)
    if data is None or kernel is None:
        return True
    offset = site.codes(1).astype(np.int64) - int(kernel.zero_point[0])
    sums = 255 * np.abs(_rows(site, offset)).sum(axis=1)
    held = site.params(2) if site.has_input(2) else None
    real = site.constant(2) if site.has_input(2) else None
    if held is not None:
        biases = np.abs(site.codes(2).astype(np.float64).reshape(-1))
    elif real is not None:
        scale = data.scale.astype(np.float64) * kernel.scale.astype(np.float64)
        biases = np.abs(real.astype(np.float64).reshape(-1) / scale)
    else:
        return True
    return bool(np.all(sums + biases < 2**31))


def _rows(site: Site, array: NDArray[Any]) -> NDArray[Any]:
    """Weights as [C_out, all that an output channel reads]."""
    if site.node.op_type == "ConvTranspose":
        group = site.integer("group", 1)
        parts = array.reshape(group, array.shape[0] // group, array.shape[1], -1)
        return parts.transpose(0, 2, 1, 3).reshape(group * array.shape[1], -1)
    if site.node.op_type == "Conv" or site.integer("transB"):
        return array.reshape(len(array), -1)
    return array.T


def _ratio_fits(site: Site) -> bool:
    """XNNPACK refuses to load a layer that brings its sums onto the output's grid by a factor of 256 or more."""
    data, kernel, out = site.params(0), site.params(1), site.params(site.output)
    if data is None or kernel is None or out is None:
        return True
    factor = data.scale.astype(np.float64) * kernel.scale.astype(np.float64) / out.scale.astype(np.float64)
    return bool(np.all(factor < 256))


BIAS_RULE = Condition(
    "a bias of int32 with scale s_in · s_w and zero point 0", _bias_on_grid, "quantise again with Sepia"
)
"""The reader of QDQ files sees to it; checked all the same, for no runtime does."""

INT8_RULES = (
    Condition("weights with zero point 0", _symmetric, "quantise weights symmetrically"),
    Condition("weight scales per output channel or per tensor", _per_output_channel, "quantise weights on that axis"),
    Condition("a bias that fits into int32", _bias_fits, "give tiny weight scales a floor"),
    Condition("sums that fit into int32", _sums_fit, "give tiny weight scales a floor"),
    Condition("s_in · s_w below 256 times the output's scale", _ratio_fits, "give the output's scale a floor"),
)
"""What a layer with weights must keep to if it is to run in int8; one that does not runs in float, which is exact."""


def weight(
    site: Site,
    write: Writer,
    order: tuple[int, ...],
    shape: tuple[int, ...],
    axis: int,
    columns: NDArray[np.int64] | None = None,
) -> Tensor:
    """Input 1, transposed by `order`, reshaped to `shape`; its channels out are on `axis`.

    columns: an order for the last axis of a 2-D weight, after the transpose.
    """

    def arrange(array: NDArray[Any]) -> NDArray[Any]:
        moved = array.transpose(order)
        return (moved if columns is None else moved[:, columns]).reshape(shape)

    return arranged_weight(site, write, arrange, axis)


def arranged_weight(site: Site, write: Writer, arrange: Callable[[NDArray[Any]], NDArray[Any]], axis: int) -> Tensor:
    """Input 1 as `arrange` makes it of ONNX's; its channels out are on `axis`."""
    array = int8_codes(site.codes(1)) if site.int8 else site.constant(1)
    if array is None:
        raise AssertionError(f"weights of '{site.name}' are computed")
    params = _kernel_params(site)
    grid = quantization(params, axis) if site.int8 and params is not None else None
    return write.program.constant(site.input(1).name or "", arrange(array), grid)


def bias(site: Site, write: Writer, channels: int, axis: int = 0) -> Tensor:
    """Input 2, or zeros: float32, or int32 codes on the grid s_in · s_w."""
    name = (site.input(2).name if site.has_input(2) else None) or f"{site.name}_bias"
    real = site.constant(2)
    if not site.int8:
        values = np.zeros(channels, np.float32) if real is None else _spread(real.astype(np.float32), channels)
        return write.program.constant(name, values)
    held = site.params(2) if site.has_input(2) else None
    if held is not None:
        codes = _spread(site.codes(2).astype(np.int32), channels)
        return write.program.constant(name, codes, quantization(held))
    scale = _bias_scale(site.params(0), _kernel_params(site))
    codes = np.zeros(channels) if real is None else np.rint(_spread(real, channels) / scale.astype(np.float64))
    return write.program.constant(name, codes.astype(np.int32), Quantization(scale, np.zeros(scale.size, np.int64)))


def _bias_scale(data: QuantParams | None, kernel: QuantParams | None) -> NDArray[np.float32]:
    if data is None or kernel is None:
        raise AssertionError("an int8 layer without scales")
    scale: NDArray[np.float32] = (data.scale * kernel.scale).astype(np.float32)
    return scale


def _spread(values: NDArray[Any], channels: int) -> NDArray[Any]:
    """A bias [C], [1] or [1, C] as [C]."""
    return np.broadcast_to(values.reshape(-1), (channels,))
