"""Rounding to a grid that gradients pass through.

Straight-through estimator (Bengio et al. 2013, arXiv:1308.3432, section 3.1) for values; for the step size the gradient
of LSQ (Esser et al. 2020, arXiv:1902.08153, equation (3)); for the zero point that of LSQ+ (Bhalgat et al. 2020,
arXiv:2004.09576, section 3.1), with an integer zero point so that zero stays on the grid.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

__all__ = ["fake_quantize", "fake_quantize_learned", "round_through"]


def round_through(values: Tensor) -> Tensor:
    """Nearest integers, halves to even; the gradient is that of the identity."""
    rounded: Tensor = _Round.apply(values)  # type: ignore[no-untyped-call]
    return rounded


def fake_quantize(values: Tensor, scale: Tensor, zero_point: Tensor, most: int = 255) -> Tensor:
    """s · (clip(⌊x / s⌉, −z, most − z)), the shape and dtype of `values`.

    scale, zero_point: scalars of the dtype of `values`. Codes count from 0 to `most`: 255 for 8 bits, and z is the zero
    point of the unsigned encoding (the signed one gives the same real values). Halves go to even before the zero point
    is added, as in QuantizeLinear. Gradient: 1 where the rounded value is on the grid, 0 where it is clipped; none to
    scale and zero point. Keeps one byte a value for the way back.
    """
    rounded: Tensor = _Fake.apply(values, scale, zero_point, most)  # type: ignore[no-untyped-call]
    return rounded


def fake_quantize_learned(values: Tensor, scale: Tensor, zero_point: Tensor, factor: float, most: int = 255) -> Tensor:
    """As `fake_quantize`, with gradients to scale and zero point too, each multiplied by `factor`.

    zero_point: real; it is rounded before use. With v = x / s and z the rounded zero point: ∂/∂s is ⌊v⌉ − v where v is
    on the grid, −z below it and most − z above; ∂/∂z is 0 on the grid and −s where it is clipped. LSQ's factor is
    1 / √(values · most) (section 2.2). Keeps one number a value for the way back.
    """
    rounded: Tensor = _Learned.apply(values, scale, zero_point, factor, most)  # type: ignore[no-untyped-call]
    return rounded


class _Round(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, values: Tensor) -> Tensor:
        return values.round()

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        return gradient


class _Fake(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, values: Tensor, scale: Tensor, zero_point: Tensor, most: int) -> Tensor:
        steps = values.div(scale).round_()
        low, high = -zero_point, most - zero_point
        if ctx.needs_input_grad[0]:
            ctx.save_for_backward((steps >= low).logical_and_(steps <= high))
        return steps.clamp_(low, high).mul_(scale)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        (inside,) = ctx.saved_tensors
        return gradient * inside, None, None, None


class _Learned(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, values: Tensor, scale: Tensor, zero_point: Tensor, factor: float, most: int) -> Tensor:
        steps, zero = values.div(scale), zero_point.round()
        ctx.save_for_backward(steps, scale, zero)
        ctx.factor, ctx.most = factor, most
        return steps.round().clamp_(-zero, most - zero).mul_(scale)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        steps, scale, zero = ctx.saved_tensors
        rounded = steps.round()
        inside = (rounded >= -zero).logical_and_(rounded <= ctx.most - zero)
        by_scale = torch.where(inside, rounded - steps, rounded.clamp(-zero, ctx.most - zero)).mul_(gradient).sum()
        by_values = gradient * inside
        by_zero = (by_values.sum() - gradient.sum()) * scale
        return by_values, by_scale * ctx.factor, by_zero * ctx.factor, None, None
