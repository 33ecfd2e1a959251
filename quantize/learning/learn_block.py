"""One block learned against the float block's outputs: its roundings, biases and, if asked, the scales of its grids."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

import torch

from ...errors import QuantizeError
from ..fake.grid import FakeGrid
from ..fake.network import FakeNetwork
from ..rounding.round_layers import MOST_MULTIPLIER, multiplier
from .find_blocks import Block
from .soft_rounding import beta_schedule, regulariser, soft_rounding

__all__ = ["BlockLearning", "learn_block"]

Read = Callable[[Sequence[str], Sequence[int]], dict[str, torch.Tensor]]
"""Values by name for the samples asked for, [samples, …]."""


@dataclass(frozen=True)
class BlockLearning:
    """How one block is learned. steps: of Adam. rate: for V. bias_rate: in steps of the layer's output grid.
    scale_rate: as a share of the scale; 0 leaves the grids. weight_of_regulariser: λ, for errors in units of that at
    the start, per weight. most_values: inner values that one step goes through, which sets the batch. most_batch:
    samples of one step.
    """

    steps: int = 400
    rate: float = 0.05
    bias_rate: float = 0.01
    scale_rate: float = 0.0
    weight_of_regulariser: float = 50.0
    most_values: int = 2_000_000
    most_batch: int = 16


_JUDGED = 8
"""One of so many samples is not learned from: on these a block before and after is compared."""
_JUDGED_MOST = 64


def learn_block(
    network: FakeNetwork,
    block: Block,
    inputs: Read,
    targets: Read,
    count: int,
    *,
    settled: Collection[str],
    seed: int,
    how: BlockLearning,
) -> None:
    """Change `network`'s codes, biases and grids inside `block`; leave them where that makes its outputs no better.

    inputs: reads the block's inputs in the quantised network, targets: its outputs in the float one; both have `count`
    samples. settled: values of the blocks before, whose grids stay. The same inputs and seed give the same result.
    """
    judged = range(_JUDGED // 2, count, _JUDGED)[:_JUDGED_MOST]
    learned_from = [sample for sample in range(count) if sample not in judged]
    if not judged:
        judged = range(count)
    before, error = _State(network, block), _error(network, block, inputs, targets, judged)
    if error == 0.0:
        return
    grids = dict.fromkeys(network.grids[name] for name in block.values)
    free = [grid for grid in grids if not grid.fixed and set(settled).isdisjoint(grid.group.values)]
    free = free if how.scale_rate else []
    lesson = _Lesson(network, block, free, how)
    order = torch.Generator().manual_seed(seed)
    batch = _batch(network, block, inputs, len(learned_from), how)
    for step in range(how.steps):
        drawn = torch.randperm(len(learned_from), generator=order)[:batch]
        samples = [learned_from[index] for index in drawn.tolist()]
        lesson.step(step, inputs(block.inputs, samples), targets(block.outputs, samples), error)
    lesson.end()
    if _error(network, block, inputs, targets, judged) >= error or not _multipliers_fit(network, block):
        before.bring_back()


class _Lesson:
    """What is learned of one block, and the optimiser that does it."""

    def __init__(self, network: FakeNetwork, block: Block, grids: Sequence[FakeGrid], how: BlockLearning) -> None:
        self._network = network
        self._block = block
        self._grids = grids
        self._how = how
        self._layers = {name: network.layers[name] for name in block.layers}
        limit = network.task.limit
        self._soft = {name: soft_rounding(one.layer, one.rounded(), limit) for name, one in self._layers.items()}
        self._weights = sum(one.v.numel() for one in self._soft.values())
        groups = [{"params": [one.v for one in self._soft.values()], "first": how.rate}]
        for layer in self._layers.values():
            step_out = float(network.grids[layer.layer.output].scale)
            groups.append({"params": [layer.bias.requires_grad_(True)], "first": how.bias_rate * step_out})
        for grid in grids:
            first = how.scale_rate * float(grid.scale)
            groups.append({"params": [grid.scale.requires_grad_(True)], "first": first})
        self._optimiser = torch.optim.Adam(groups, lr=how.rate)

    def step(self, number: int, inputs: dict[str, torch.Tensor], right: dict[str, torch.Tensor], error: float) -> None:
        # The pull to either code must stay strong to the end; biases and scales settle ever more finely beside it.
        for group in self._optimiser.param_groups[1:]:
            group["lr"] = group["first"] * (1.0 - number / self._how.steps)
        weights = {name: self._layers[name].scale * one.soft_codes() for name, one in self._soft.items()}
        biases = {name: layer.bias for name, layer in self._layers.items()}
        found = self._network.run(inputs, self._block.outputs, weights=weights, biases=biases)
        loss = self._weights * _squared(found, right) / error
        beta = beta_schedule(number, self._how.steps)
        if beta is not None:
            pull = torch.stack([regulariser(one.h(), beta) for one in self._soft.values()]).sum()
            loss = loss + self._how.weight_of_regulariser * pull
        self._optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        self._optimiser.step()
        for grid in self._grids:
            grid.keep_within()

    @torch.no_grad()
    def end(self) -> None:
        """Put the codes into the network; what was learned learns no more."""
        for name, layer in self._layers.items():
            layer.latent.copy_(torch.from_numpy(self._soft[name].codes()))
            layer.bias.requires_grad_(False)
        for grid in self._grids:
            grid.scale.requires_grad_(False)


class _State:
    """A block's codes, biases and grids, to come back to."""

    def __init__(self, network: FakeNetwork, block: Block) -> None:
        layers = [network.layers[name] for name in block.layers]
        grids = dict.fromkeys(network.grids[name] for name in block.values)
        held = [tensor for layer in layers for tensor in (layer.latent, layer.bias)]
        held += [tensor for grid in grids for tensor in (grid.scale, grid.zero_point)]
        self._held = [(tensor, tensor.detach().clone()) for tensor in held]

    @torch.no_grad()
    def bring_back(self) -> None:
        for tensor, before in self._held:
            tensor.copy_(before)


@torch.no_grad()
def _batch(network: FakeNetwork, block: Block, inputs: Read, count: int, how: BlockLearning) -> int:
    """Samples of one step: as many as `most_values` allows, at least one; one if the graph has a batch of its own."""
    alone = network.run(inputs(block.inputs, [0]), block.values)
    wanted = how.most_values // max(sum(value.numel() for value in alone.values()), 1)
    size = max(1, min(how.most_batch, wanted, count))
    if size == 1:
        return 1
    try:
        both = network.run(inputs(block.inputs, [0, 1]), block.values)
    except QuantizeError:
        return 1
    double = all(both[name].shape == (2 * len(value), *value.shape[1:]) for name, value in alone.items())
    return size if double else 1


@torch.no_grad()
def _error(network: FakeNetwork, block: Block, inputs: Read, targets: Read, samples: Sequence[int]) -> float:
    """Mean squared error of the block's outputs as `network` has them now."""
    total = 0.0
    for sample in samples:
        found = network.run(inputs(block.inputs, [sample]), block.outputs)
        total += float(_squared(found, targets(block.outputs, [sample])))
    return total / len(samples)


def _squared(found: dict[str, torch.Tensor], right: dict[str, torch.Tensor]) -> torch.Tensor:
    """Sum of the outputs' mean squared errors."""
    return torch.stack([(found[name] - right[name]).square().mean() for name in found]).sum()


def _multipliers_fit(network: FakeNetwork, block: Block) -> bool:
    """Kernels take the multiplier of every layer."""
    for name in block.layers:
        layer = network.layers[name]
        scale_in, scale_out = (float(network.grids[v].scale) for v in (layer.layer.source, layer.layer.output))
        if multiplier(layer.rounded(), scale_in, scale_out) > MOST_MULTIPLIER:
            return False
    return True
