"""Activations that stand alone, and Softmax. Those right behind a convolution or an Add are fused, see `steps.py`."""

from __future__ import annotations

import numpy as np

from .elementwise import sum_in_range
from .layout import Perm, as_is, permuted
from .program import Options, Quantization, Tensor
from .rows import Condition, lowers
from .site import Site, bounds, constant, dims
from .writer import Writer

__all__ = ["clip", "hard_sigmoid", "hard_swish", "leaky_relu", "logistic", "prelu", "softmax", "tanh"]

_ALONE = {(0.0, np.inf): "RELU", (0.0, 6.0): "RELU6"}


def _take(site: Site, write: Writer, perm: Perm) -> Tensor:
    return write.take(site.input(0), perm, int8=site.int8)


def _unary(site: Site, write: Writer, op: str, options: Options | None = None) -> None:
    """One operator on one tensor, whatever its layout; kernels that rescale from the input's grid to the output's."""
    perm = write.layout(site.output)
    tensor = _take(site, write, perm)
    write.finish(site, write.run(site, op, [tensor], tensor.shape, options), perm)


# Relu, Clip


def _constant_bounds(site: Site) -> bool:
    return all(not site.has_input(index) or constant(site.node.inputs[index]) is not None for index in (1, 2))


@lowers(
    "Relu", "Clip", becomes="RELU, RELU6, or MAXIMUM and MINIMUM", data=1,
    conditions=(Condition("constant bounds", _constant_bounds),),
)  # fmt: skip
def clip(site: Site, write: Writer) -> None:
    """On codes: first onto the output's grid, then a clip of codes, which is exact."""
    perm = write.layout(site.output)
    tensor = write.on_grid(site, _take(site, write, perm))
    low, high = bounds(site.node)
    op = _ALONE.get((low, high))
    clipped = write.run(site, op, [tensor], tensor.shape) if op else write.clipped(site, tensor, low, high)
    write.finish(site, clipped, perm)


# Sigmoid, Tanh, Softmax: LiteRT's int8 kernels know one output grid


def _only_grid(scale: float, zero_point: int) -> Condition:
    """zero_point: in int8. Any other grid is reached in float, which is exact, where a second rounding would not be."""

    def holds(site: Site) -> bool:
        params = site.params(site.output)
        if params is None:
            return True
        shifted = params.as_dtype("int8")
        return float(shifted.scale[0]) == scale and int(shifted.zero_point[0]) == zero_point

    return Condition(f"an output scale of 1/{round(1 / scale)} and zero point of {zero_point}", holds)


@lowers("Sigmoid", becomes="LOGISTIC", data=1, int8=(_only_grid(1 / 256, -128),))
def logistic(site: Site, write: Writer) -> None:
    _unary(site, write, "LOGISTIC")


@lowers("Tanh", becomes="TANH", data=1, int8=(_only_grid(1 / 128, 0),))
def tanh(site: Site, write: Writer) -> None:
    _unary(site, write, "TANH")


@lowers("Softmax", becomes="SOFTMAX", data=1, ranks={1, 2, 3, 4}, int8=(_only_grid(1 / 256, -128),))
def softmax(site: Site, write: Writer) -> None:
    """TFLite's runs over the last axis: the tensor is transposed only if its layout has another axis there."""
    axis, perm = site.axis(-1), write.layout(site.output)
    if perm[-1] != axis:
        perm = (*(other for other in as_is(site.rank) if other != axis), axis)
    tensor = _take(site, write, perm)
    options = Options("SoftmaxOptions", {"beta": 1.0})
    write.finish(site, write.run(site, "SOFTMAX", [tensor], tensor.shape, options), perm)


# HardSwish, HardSigmoid


@lowers("HardSwish", becomes="HARD_SWISH", data=1, int8=None)
def hard_swish(site: Site, write: Writer) -> None:
    """In float, by XNNPACK, and exact. It leaves int8 HARD_SWISH to a built-in kernel that is 99.9 % exact and on
    x86-64 so slow that MobileNetV3-large took 39.8 ms instead of 13.6 (float: 25.5)."""
    _unary(site, write, "HARD_SWISH", Options("HardSwishOptions", {}))


def _slope(site: Site) -> tuple[float, float]:
    """HardSigmoid is clip(alpha · x + beta, 0, 1)."""
    return site.real("alpha", 0.2), site.real("beta", 0.5)


def _is_sixth(site: Site) -> bool:
    alpha, beta = _slope(site)
    return abs(alpha - 1 / 6) < 1e-6 and beta == 0.5


def _sum_fits(site: Site) -> bool:
    held, out = site.params(0), site.params(site.output)
    if held is None or out is None:
        return True
    total = 6 * float(out.scale[0])
    return sum_in_range(float(held.scale[0]) / total, 3 / 127 / total)


@lowers(
    "HardSigmoid", becomes="ADD, RELU6 fused, MUL", data=1,
    int8=(
        Condition("alpha 1/6 and beta 1/2", _is_sixth),
        Condition("ratios of scales in [2^-10, 2^6), as of a sum", _sum_fits),
    ),
)  # fmt: skip
def hard_sigmoid(site: Site, write: Writer) -> None:
    """relu6(x + 3) / 6. Other slopes, in float only: clip(x · alpha + beta, 0, 1).

    On codes, relu6(x + 3) is written on the output's grid times 6, zero point kept: then the codes of the sum *are* the
    codes of the result, and the product changes none of them.
    """
    perm = write.layout(site.output)
    tensor = _take(site, write, perm)
    if not _is_sixth(site):
        write.finish(site, _general_hard_sigmoid(site, write, tensor), perm)
        return
    six = _times(write.grid(site.output), 6) if site.int8 else None
    three = write.scalar("three", 3.0, _exactly(3.0) if site.int8 else None)
    sixth = write.scalar("sixth", 1 / 6, _exactly(1 / 6) if site.int8 else None)
    add = Options("AddOptions", {"fusedActivationFunction": "RELU6"})
    total = write.run(site, "ADD", [tensor, three], tensor.shape, add, suffix="_sum", grid=six)
    mul = Options("MulOptions", {"fusedActivationFunction": "NONE"})
    write.finish(site, write.run(site, "MUL", [total, sixth], tensor.shape, mul), perm)


def _times(grid: Quantization, factor: float) -> Quantization:
    return Quantization((grid.scale * np.float32(factor)).astype(np.float32), grid.zero_point)


def _exactly(real: float) -> Quantization:
    """A grid on which `real` is code 127."""
    return Quantization(np.asarray([real / 127], np.float32), np.zeros(1, np.int64))


def _general_hard_sigmoid(site: Site, write: Writer, tensor: Tensor) -> Tensor:
    alpha, beta = _slope(site)
    mul = Options("MulOptions", {"fusedActivationFunction": "NONE"})
    scaled = write.run(
        site, "MUL", [tensor, write.scalar(f"{site.name}_alpha", alpha, None)], tensor.shape, mul, suffix="_scaled"
    )
    add = Options("AddOptions", {"fusedActivationFunction": "RELU"})
    shifted = write.run(
        site, "ADD", [scaled, write.scalar(f"{site.name}_beta", beta, None)], tensor.shape, add, suffix="_shifted"
    )
    return write.clipped(site, shifted, -np.inf, 1.0)


# LeakyRelu, PRelu


@lowers(
    "LeakyRelu", becomes="LEAKY_RELU", data=1,
    int8=(Condition("a slope of 0 or more", lambda site: site.real("alpha", 0.01) >= 0),),
)  # fmt: skip
def leaky_relu(site: Site, write: Writer) -> None:
    """Half of the codes behind a slope below 0 are one off in the built-in kernel."""
    _unary(site, write, "LEAKY_RELU", Options("LeakyReluOptions", {"alpha": site.real("alpha", 0.01)}))


def _slope_per_tensor(site: Site) -> bool:
    params = site.params(1)
    return params is None or not params.per_channel


@lowers(
    "PRelu", becomes="PRELU", data=2,
    conditions=(Condition("constant slopes", lambda site: site.constant(1) is not None),),
    int8=(Condition("slopes quantised per tensor", _slope_per_tensor),),
)  # fmt: skip
def prelu(site: Site, write: Writer) -> None:
    perm = write.layout(site.output)
    slope = write.operand(site.input(1), perm, int8=site.int8)
    shape = permuted(dims(site.output), perm)
    write.finish(site, write.run(site, "PRELU", [_take(site, write, perm), slope], shape), perm)
