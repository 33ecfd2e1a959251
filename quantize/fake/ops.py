"""What each op does, in torch: one row an op, for batches of any size in the place of the file's.

Every op of `quantize.op_table` has a row, and so have those that often stand beside them in float. Weights, shapes and
other constants are read from the node; tensors are its activations, with the batch first.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import onnx_ir as ir
import torch
import torch.nn.functional as F  # noqa: N812 - as all of torch's users know it
from numpy.typing import NDArray
from torch import Tensor

from .moves import MOVES
from .resize import resize
from .windows import average_pool, convolve, convolve_transposed, max_pool

__all__ = ["OPS", "Inputs", "Op"]

Inputs = Sequence[Tensor | None]
"""By input index, activations, weights and constants alike; None where the node has none."""
Op = Callable[[ir.Node, Inputs], Tensor | tuple[Tensor, ...]]


def _given(inputs: Inputs, index: int) -> Tensor | None:
    return inputs[index] if index < len(inputs) else None


def _first(inputs: Inputs) -> Tensor:
    value = inputs[0]
    if value is None:
        raise ValueError("a node without its first input")
    return value


def _unary(function: Callable[[Tensor], Tensor]) -> Op:
    return lambda node, inputs: function(_first(inputs))


def _binary(function: Callable[[Tensor, Tensor], Tensor]) -> Op:
    def run(node: ir.Node, inputs: Inputs) -> Tensor:
        one, other = inputs
        if one is None or other is None:
            raise ValueError(f"{node.name} lacks an input")
        return function(one, other)

    return run


def _gemm(node: ir.Node, inputs: Inputs) -> Tensor:
    one, other, bias = _first(inputs), inputs[1], _given(inputs, 2)
    if other is None:
        raise ValueError(f"{node.name} lacks an input")
    one = one.t() if node.attributes.get_int("transA", 0) else one
    other = other.t() if node.attributes.get_int("transB", 0) else other
    alpha, beta = node.attributes.get_float("alpha", 1.0), node.attributes.get_float("beta", 1.0)
    product = one @ other if alpha == 1.0 else alpha * (one @ other)
    if bias is None:
        return product
    return product + (bias if beta == 1.0 else beta * bias)


def _clip(node: ir.Node, inputs: Inputs) -> Tensor:
    low, high = _given(inputs, 1), _given(inputs, 2)
    return _first(inputs) if low is None and high is None else torch.clamp(_first(inputs), low, high)


def _hard_sigmoid(node: ir.Node, inputs: Inputs) -> Tensor:
    alpha, beta = node.attributes.get_float("alpha", 0.2), node.attributes.get_float("beta", 0.5)
    return torch.clamp(_first(inputs) * alpha + beta, 0.0, 1.0)


def _hard_swish(node: ir.Node, inputs: Inputs) -> Tensor:
    values = _first(inputs)
    return values * torch.clamp(values / 6.0 + 0.5, 0.0, 1.0)


def _global_pool(node: ir.Node, inputs: Inputs, *, function: Callable[..., Tensor]) -> Tensor:
    values = _first(inputs)
    return function(values, dim=tuple(range(2, values.ndim)), keepdim=True)


def _reduce(node: ir.Node, inputs: Inputs, *, function: Callable[..., Tensor]) -> Tensor:
    values, given = _first(inputs), _constant(node, 1)
    axes = node.attributes.get_ints("axes", []) if given is None else given.reshape(-1).tolist()
    if not axes and node.attributes.get_int("noop_with_empty_axes", 0) == 1:
        return values
    keep = bool(node.attributes.get_int("keepdims", 1))
    return function(values, dim=tuple(axes) or tuple(range(values.ndim)), keepdim=keep)


def _constant(node: ir.Node, index: int) -> NDArray[Any] | None:
    value = node.inputs[index] if index < len(node.inputs) else None
    return None if value is None or value.const_value is None else value.const_value.numpy()


def _softmax(node: ir.Node, inputs: Inputs) -> Tensor:
    return torch.softmax(_first(inputs), dim=node.attributes.get_int("axis", -1))


def _batch_norm(node: ir.Node, inputs: Inputs) -> Tensor:
    values, scale, bias, mean, variance = inputs
    if values is None:
        raise ValueError(f"{node.name} lacks an input")
    return F.batch_norm(values, mean, variance, scale, bias, eps=node.attributes.get_float("epsilon", 1e-5))


def _concat(node: ir.Node, inputs: Inputs) -> Tensor:
    present = [value for value in inputs if value is not None]
    return torch.cat(present, dim=node.attributes.get_int("axis", 0))


def _elu(node: ir.Node, inputs: Inputs) -> Tensor:
    return F.elu(_first(inputs), alpha=node.attributes.get_float("alpha", 1.0))


def _leaky_relu(node: ir.Node, inputs: Inputs) -> Tensor:
    return F.leaky_relu(_first(inputs), negative_slope=node.attributes.get_float("alpha", 0.01))


def _gelu(node: ir.Node, inputs: Inputs) -> Tensor:
    return F.gelu(_first(inputs), approximate=node.attributes.get_string("approximate", "none"))


OPS: dict[str, Op] = {
    "Conv": convolve,
    "ConvTranspose": convolve_transposed,
    "Gemm": _gemm,
    "MatMul": _binary(torch.matmul),
    "Add": _binary(torch.add),
    "Sub": _binary(torch.sub),
    "Mul": _binary(torch.mul),
    "Div": _binary(torch.div),
    "Pow": _binary(torch.pow),
    "Relu": _unary(torch.relu),
    "Clip": _clip,
    "HardSwish": _hard_swish,
    "HardSigmoid": _hard_sigmoid,
    "Sigmoid": _unary(torch.sigmoid),
    "Tanh": _unary(torch.tanh),
    "Exp": _unary(torch.exp),
    "Log": _unary(torch.log),
    "Sqrt": _unary(torch.sqrt),
    "Neg": _unary(torch.neg),
    "Abs": _unary(torch.abs),
    "Erf": _unary(torch.erf),
    "Reciprocal": _unary(torch.reciprocal),
    "Softplus": _unary(F.softplus),
    "Elu": _elu,
    "LeakyRelu": _leaky_relu,
    "PRelu": _binary(lambda values, slope: torch.where(values < 0, values * slope, values)),
    "Gelu": _gelu,
    "Softmax": _softmax,
    "BatchNormalization": _batch_norm,
    "GlobalAveragePool": partial(_global_pool, function=torch.mean),
    "GlobalMaxPool": partial(_global_pool, function=torch.amax),
    "ReduceMean": partial(_reduce, function=torch.mean),
    "ReduceSum": partial(_reduce, function=torch.sum),
    "ReduceMax": partial(_reduce, function=torch.amax),
    "Concat": _concat,
    "MaxPool": max_pool,
    "AveragePool": average_pool,
    "Resize": resize,
    **MOVES,
}
"""Op type → its row."""
