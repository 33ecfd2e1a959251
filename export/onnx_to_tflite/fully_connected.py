"""Gemm and MatMul by constant weights: FULLY_CONNECTED; with one scale per channel a 1×1 CONV_2D.

Weights become [C_out, C_in]. int8 FULLY_CONNECTED with a scale per channel needs a version that tflite-runtime 2.14
does not know; a CONV_2D on [N, 1, 1, C_in] computes the same codes and loads everywhere.

A Flatten of [N, C, H, W] in front is written as a RESHAPE of [N, H, W, C], with the weights' columns put in that order,
so that no transpose runs.
"""

from __future__ import annotations

import numpy as np
import onnx_ir as ir
from numpy.typing import NDArray

from .layout import Perm, as_is, channels_last, moves_data
from .program import Options, Tensor
from .rows import Condition, lowers
from .site import Site, dims
from .weights import BIAS_RULE, CONSTANT_WEIGHT, INT8_RULES, PLAIN_GEMM, TWO_AXES, bias, weight
from .writer import Writer

__all__ = ["gemm", "matmul"]


def _vector_bias(site: Site) -> bool:
    array = site.constant(2)
    return array is None or array.size in (1, dims(site.output)[-1])


_VECTOR_BIAS = Condition("one bias a channel", _vector_bias)


@lowers(
    "Gemm", becomes="FULLY_CONNECTED, or CONV_2D of 1×1 if int8 per channel", ranks={2}, data=2, layout="free",
    conditions=(CONSTANT_WEIGHT, PLAIN_GEMM, _VECTOR_BIAS, BIAS_RULE), int8=INT8_RULES, fuses=True,
)  # fmt: skip
def gemm(site: Site, write: Writer) -> None:
    channels = dims(site.output)[1]
    tensor, columns = _vector(site, write)
    order = (0, 1) if site.integer("transB") else (1, 0)
    _connect(site, write, tensor, order, channels, columns)


@lowers(
    "MatMul", becomes="FULLY_CONNECTED, or CONV_2D of 1×1 if int8 per channel", ranks={2, 3, 4}, data=2, layout="free",
    conditions=(TWO_AXES, BIAS_RULE), int8=INT8_RULES, fuses=True,
)  # fmt: skip
def matmul(site: Site, write: Writer) -> None:
    """Of rank above 2, as one matrix of all rows."""
    shape = dims(site.output)
    tensor, columns = _vector(site, write)
    if site.rank > 2:
        tensor = write.reshaped(tensor, (_rows(shape), tensor.shape[-1]))
    _connect(site, write, tensor, (1, 0), shape[-1], columns)


def _rows(shape: tuple[int, ...]) -> int:
    return -1 if min(shape) < 0 else int(np.prod(shape[:-1]))


def _connect(
    site: Site, write: Writer, tensor: Tensor, order: Perm, channels: int, columns: NDArray[np.int64] | None
) -> None:
    params = site.params(1)
    depth, shape = tensor.shape[-1], dims(site.output)
    if site.int8 and params is not None and params.per_channel:
        result = _as_conv(site, write, tensor, order, channels, columns)
    else:
        kernel = weight(site, write, order, (channels, depth), axis=0, columns=columns)
        options = Options("FullyConnectedOptions", {"fusedActivationFunction": write.activation(site)})
        inputs = [tensor, kernel, bias(site, write, channels)]
        result = write.run(site, "FULLY_CONNECTED", inputs, (tensor.shape[0], channels), options)
    write.finish(site, write.reshaped(result, shape), as_is(len(shape)))


def _as_conv(
    site: Site, write: Writer, tensor: Tensor, order: Perm, channels: int, columns: NDArray[np.int64] | None
) -> Tensor:
    rows, depth = tensor.shape
    kernel = weight(site, write, order, (channels, 1, 1, depth), axis=0, columns=columns)
    fields = {
        "padding": "VALID", "strideH": 1, "strideW": 1, "dilationHFactor": 1, "dilationWFactor": 1,
        "fusedActivationFunction": write.activation(site),
    }  # fmt: skip
    inputs = [write.reshaped(tensor, (rows, 1, 1, depth)), kernel, bias(site, write, channels)]
    result = write.run(site, "CONV_2D", inputs, (rows, 1, 1, channels), Options("Conv2DOptions", fields))
    return write.reshaped(result, (rows, channels))


# Flatten in front


def _vector(site: Site, write: Writer) -> tuple[Tensor, NDArray[np.int64] | None]:
    """The input [rows, C_in], and the order of the weights' columns if it is not ONNX's."""
    value = site.input(0)
    image = _flattened(value, site)
    if image is None or write.held(image) != channels_last(4):
        return write.take(value, as_is(site.rank), int8=site.int8), None
    shape = dims(image)
    if not moves_data(shape, channels_last(4)):
        return write.take(value, as_is(2), int8=site.int8), None
    tensor = write.take(image, channels_last(4), int8=site.int8)
    columns = np.arange(dims(value)[1]).reshape(shape[1:]).transpose(1, 2, 0).reshape(-1)
    return write.reshaped(tensor, dims(value)), columns


def _flattened(value: ir.Value, site: Site) -> ir.Value | None:
    """The [N, C, H, W] of which `value` is the [N, C·H·W], if it is one on the same grid."""
    node = value.producer()
    if node is None or node.op_type not in ("Reshape", "Flatten") or len(dims(value)) != 2:
        return None
    image = node.inputs[0]
    if image is None or len(dims(image)) != 4 or dims(image)[0] != dims(value)[0]:
        return None
    before, after = site.params(image), site.params(value)
    if before is None or after is None:
        return image if before is after else None
    same = np.array_equal(before.scale, after.scale) and np.array_equal(before.zero_point, after.zero_point)
    return image if same else None
