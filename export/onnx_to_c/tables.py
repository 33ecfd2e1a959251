"""Functions of one code: 256 results worked out beforehand, in float64, so that they are exact."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from ..onnx_to_tflite.rows import Condition
from ..onnx_to_tflite.site import Site, bounds, constant
from .listing import Listing, sizes
from .rows import lowers

__all__ = ["look_up", "requantize"]

Reals = NDArray[np.float64]


def _hard_sigmoid(site: Site, x: Reals) -> Reals:
    return np.clip(site.real("alpha", 0.2) * x + site.real("beta", 0.5), 0, 1)


def _sigmoid(x: Reals) -> Reals:
    return 1 / (1 + np.exp(-x))


_FUNCTIONS: dict[str, Callable[[Site, Reals], Reals]] = {
    "Relu": lambda _, x: np.maximum(x, 0),
    "Clip": lambda site, x: np.clip(x, *bounds(site.node)),
    "HardSigmoid": _hard_sigmoid,
    "HardSwish": lambda _, x: x * np.clip(x / 6 + 0.5, 0, 1),
    "Sigmoid": lambda _, x: _sigmoid(x),
    "Swish": lambda site, x: x * _sigmoid(site.real("alpha", 1.0) * x),
    "Tanh": lambda _, x: np.tanh(x),
    "LeakyRelu": lambda site, x: np.where(x < 0, site.real("alpha", 0.01) * x, x),
    "Elu": lambda site, x: np.where(x < 0, site.real("alpha", 1.0) * np.expm1(x), x),
    "Softplus": lambda _, x: np.logaddexp(x, 0),
}


def _table(site: Site, write: Listing, function: Callable[[Site, Reals], Reals]) -> None:
    before, after = write.params(site.input(0)), write.params(site.output)
    codes = np.arange(-128, 128)
    real = (codes - before.zero_point[0]) * np.float64(before.scale[0])
    result = np.rint(function(site, real) / np.float64(after.scale[0])) + after.zero_point[0]
    table = write.blob.add(np.clip(result, -128, 127).astype(np.int8))
    x, out = write.take(site.input(0)), write.make(site.output)
    write.call(site, "look_up", table, x, int(np.prod(sizes(site.output))), out)


def _constant_bounds(site: Site) -> bool:
    return all(not site.has_input(index) or constant(site.node.inputs[index]) is not None for index in (1, 2))


@lowers(
    *_FUNCTIONS, becomes="look_up", data=1,
    conditions=(Condition("constant bounds", _constant_bounds),),
)  # fmt: skip
def look_up(site: Site, write: Listing) -> None:
    _table(site, write, _FUNCTIONS[site.node.op_type])


@lowers("QuantizeLinear", becomes="look_up", data=1)
def requantize(site: Site, write: Listing) -> None:
    """From codes on another grid."""
    _table(site, write, lambda _, x: x)
