"""One layer's rounding, learned against what the float layer puts out: AdaRound on rows.

Nagel et al. 2020, arXiv:2004.10568, equation (25): min over V of ‖f(Wx) − f(W̃x̂)‖² + λ·f_reg(V), where x̂ is the input in
the quantised network with all layers before it rounded, x that in the float network, and f the activation function. f
is the clip of the output's grid, whose ends are those of the activation that the grid took in or inside them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray

from ...graph.quantization import QuantParams
from ..layer import Layer, RoundedLayer
from .layer_rows import Rows
from .soft_rounding import beta_schedule, regulariser, soft_rounding

__all__ = ["Learning", "learn_layer", "output_error", "refit_bias"]


@dataclass(frozen=True)
class Learning:
    """How one layer is learned. steps: of Adam, on `batch` rows each. rate: of Adam for V and for the bias in units of
    the noise that rounding makes. weight_of_regulariser: λ, for errors in units of that noise, per weight. ridge: pull
    towards the float weights, in the noise of so many more inputs of the same power that are not alike.
    """

    steps: int = 700
    batch: int = 512
    rate: float = 0.05
    weight_of_regulariser: float = 5.0
    ridge: float = 0.1


_LEAST_NOISE = 0.01
"""Steps of the output's grid: noise below it makes no difference to the next layer."""
_BIAS_ITERATIONS = 12
_LEAST_ACTIVE = 0.02
"""Share of rows inside the clip below which a bias is moved as if it were that share: a channel that hardly ever fires
says too little about its bias."""


def learn_layer(
    layer: Layer,
    given: RoundedLayer,
    rows: Rows,
    grid_in: QuantParams,
    grid_out: QuantParams,
    *,
    limit: int,
    seed: int,
    how: Learning,
) -> RoundedLayer:
    """Codes next to the float weights and a bias with the least error on `rows`, on the scales that are `given`.

    A channel that learning made no better keeps its given codes. limit: largest magnitude of a code. The same inputs
    and seed give the same result.
    """
    data = _Prepared.of(layer, given, rows, grid_in, grid_out)
    given = refit_bias(layer, given, rows, grid_in, grid_out)
    soft = soft_rounding(layer, given, limit)
    exact = torch.from_numpy(layer.weight / layer.per_channel(given.scale))
    shift = torch.zeros(layer.channels_out, requires_grad=True)
    bias = torch.from_numpy(given.bias)
    optimiser = torch.optim.Adam([soft.v, shift], lr=how.rate)
    order = torch.Generator().manual_seed(seed)
    taps = int(np.prod(layer.weight.shape[1:]))
    for step in range(how.steps):
        picked = torch.randint(data.count, (min(how.batch, data.count),), generator=order)
        codes = soft.soft_codes()
        error = data.error(codes, bias + shift * data.noise.sqrt(), picked)
        loss = taps * (error / data.noise).sum() + 12.0 * how.ridge * (codes - exact).square().sum()
        beta = beta_schedule(step, how.steps)
        if beta is not None:
            loss = loss + how.weight_of_regulariser * regulariser(soft.h(), beta)
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
    moved = (bias + shift.detach() * data.noise.sqrt()).numpy()
    learned = refit_bias(layer, RoundedLayer(soft.codes(), given.scale, moved), rows, grid_in, grid_out)
    better = output_error(layer, learned, rows, grid_in, grid_out) < output_error(layer, given, rows, grid_in, grid_out)
    codes_kept = np.where(layer.per_channel(better), learned.codes, given.codes)
    return RoundedLayer(codes_kept, given.scale, np.where(better, learned.bias, given.bias))


def output_error(
    layer: Layer, rounded: RoundedLayer, rows: Rows, grid_in: QuantParams, grid_out: QuantParams
) -> NDArray[np.float64]:
    """Mean squared error of each output channel over `rows`, both sides clipped to the output's grid: [C_out]."""
    data = _Prepared.of(layer, rounded, rows, grid_in, grid_out)
    codes, bias = torch.from_numpy(rounded.codes.astype(np.float32)), torch.from_numpy(rounded.bias)
    with torch.no_grad():
        total = sum(data.error(codes, bias, some) * len(some) for some in data.parts())
    return np.asarray(total, np.float64) / data.count


def refit_bias(
    layer: Layer, rounded: RoundedLayer, rows: Rows, grid_in: QuantParams, grid_out: QuantParams
) -> RoundedLayer:
    """The same codes with the bias that gives each output channel its mean target over `rows`, after the clip."""
    data = _Prepared.of(layer, rounded, rows, grid_in, grid_out)
    codes = torch.from_numpy(rounded.codes.astype(np.float32))
    bias = torch.from_numpy(rounded.bias.copy())
    with torch.no_grad():
        plain = torch.cat([data.products(codes, some) for some in data.parts()], dim=1)
        for _ in range(_BIAS_ITERATIONS):
            output = plain + data.by_group(bias)[:, None, :]
            inside = ((output >= data.low) & (output <= data.high)).float().mean(dim=1)
            short = (data.target - output.clamp(data.low, data.high)).mean(dim=1)
            bias = bias + (short / inside.clamp(min=_LEAST_ACTIVE)).reshape(-1) * (inside > 0).reshape(-1)
    return replace(rounded, bias=bias.numpy().astype(np.float32))


@dataclass(frozen=True)
class _Prepared:
    """Rows as tensors. codes: uint8 [G, R, K]. target: [G, R, C_out/G], clipped. step: s_in · s_w, [C_out].

    noise: [C_out], the squared error that nearest rounding would make, were errors of weights independent.
    """

    codes: torch.Tensor
    target: torch.Tensor
    zero: float
    step: torch.Tensor
    noise: torch.Tensor
    low: float
    high: float

    @classmethod
    def of(
        cls, layer: Layer, rounded: RoundedLayer, rows: Rows, grid_in: QuantParams, grid_out: QuantParams
    ) -> _Prepared:
        zero = int(grid_in.as_dtype("uint8").zero_point[0])
        low, high = (float(end) for end in grid_out.dequantize(np.array(grid_out.code_range)))
        step = np.float32(grid_in.scale[0]) * rounded.scale
        spread = rows.codes.var(axis=1, dtype=np.float32).sum(axis=1)
        power = np.repeat(spread, layer.channels_out // layer.group)
        noise = np.maximum(np.square(step) * power / 12.0, np.square(_LEAST_NOISE * float(grid_out.scale[0])))
        return cls(
            torch.from_numpy(rows.codes),
            torch.from_numpy(np.clip(rows.target, low, high)),
            float(zero),
            torch.from_numpy(step),
            torch.from_numpy(noise.astype(np.float32)),
            low,
            high,
        )

    @property
    def count(self) -> int:
        return int(self.codes.shape[1])

    def parts(self) -> list[torch.Tensor]:
        """All rows in order, a bounded number at a time."""
        return [torch.arange(first, min(first + 1024, self.count)) for first in range(0, self.count, 1024)]

    def by_group(self, values: torch.Tensor) -> torch.Tensor:
        """[C_out] → [G, C_out/G]."""
        return values.reshape(self.codes.shape[0], -1)

    def products(self, codes: torch.Tensor, picked: torch.Tensor) -> torch.Tensor:
        """Outputs without bias, [G, picked, C_out/G], for weights of `codes`, the shape of the layer's weight."""
        inputs = self.codes.index_select(1, picked).float() - self.zero
        weight = codes.reshape(self.codes.shape[0], -1, self.codes.shape[2])
        return torch.bmm(inputs, weight.transpose(1, 2)) * self.by_group(self.step)[:, None, :]

    def error(self, codes: torch.Tensor, bias: torch.Tensor, picked: torch.Tensor) -> torch.Tensor:
        """Mean squared error of each output channel over the rows picked, [C_out]."""
        output = self.products(codes, picked) + self.by_group(bias)[:, None, :]
        wrong = output.clamp(self.low, self.high) - self.target.index_select(1, picked)
        return wrong.square().mean(dim=1).reshape(-1)
