"""Add, Sub, Mul, Div, Max, Min: with NumPy's broadcasting, a Relu or Clip behind them fused where TFLite can."""

from __future__ import annotations

from .layout import permuted
from .program import Options, Tensor
from .rows import Condition, lowers
from .site import Site, dims
from .writer import Writer

__all__ = ["arithmetic", "division", "extremum", "sum_in_range"]

_KINDS = {"Add": "AddOptions", "Sub": "SubOptions", "Mul": "MulOptions", "Div": "DivOptions"}


def _per_tensor(site: Site) -> bool:
    return all((params := site.params(index)) is None or not params.per_channel for index in range(2))


def _in_range(site: Site) -> bool:
    """XNNPACK carries the ratio of scales as a fixed-point number of about 2^-10 and more. The built-in kernels keep a
    result in 16 bits before they clip it to 8; on x86 a greater one wraps round: 255 · 255 · 2^-1 and 2 · 255 · 2^6
    just fit."""
    first, second, out = site.params(0), site.params(1), site.params(site.output)
    if first is None or second is None or out is None:
        return True
    scale = float(out.scale[0])
    if site.node.op_type == "Mul":
        return 2.0**-16 <= float(first.scale[0]) * float(second.scale[0]) / scale < 2.0**-1
    return sum_in_range(float(first.scale[0]) / scale, float(second.scale[0]) / scale)


def sum_in_range(*ratios: float) -> bool:
    """ratios: the scale of each addend over that of the sum."""
    return all(2.0**-10 <= ratio < 2.0**6 for ratio in ratios)


_PER_TENSOR = Condition("scales per tensor", _per_tensor)
_IN_RANGE = Condition("ratios of scales in [2^-10, 2^6), of a product in [2^-16, 2^-1)", _in_range)
_TWO = Condition("two inputs", lambda site: len(site.node.inputs) == 2)


def _operands(site: Site, write: Writer) -> tuple[Tensor, Tensor, tuple[int, ...]]:
    perm = write.layout(site.output)
    first, second = (write.operand(site.input(index), perm, int8=site.int8) for index in range(2))
    return first, second, perm


def _write(site: Site, write: Writer, op: str) -> None:
    first, second, perm = _operands(site, write)
    options = Options(_KINDS[site.node.op_type], {"fusedActivationFunction": write.activation(site)})
    shape = permuted(dims(site.output), perm)
    write.finish(site, write.run(site, op, [first, second], shape, options), perm)


@lowers("Add", "Sub", "Mul", becomes="ADD, SUB, MUL", data=2, int8=(_PER_TENSOR, _IN_RANGE), fuses=True)
def arithmetic(site: Site, write: Writer) -> None:
    _write(site, write, site.node.op_type.upper())


@lowers("Div", becomes="DIV", data=2, int8=None, fuses=True)
def division(site: Site, write: Writer) -> None:
    """TFLite divides in float only."""
    _write(site, write, "DIV")


@lowers("Max", "Min", becomes="MAXIMUM, MINIMUM", data=2, conditions=(_TWO,), int8=(_PER_TENSOR,))
def extremum(site: Site, write: Writer) -> None:
    perm = write.layout(site.output)
    operands = [write.on_grid(site, write.operand(site.input(index), perm, int8=site.int8)) for index in range(2)]
    shape = permuted(dims(site.output), perm)
    op = "MAXIMUM" if site.node.op_type == "Max" else "MINIMUM"
    write.finish(site, write.run(site, op, operands, shape, Options("MaximumMinimumOptions", {})), perm)
