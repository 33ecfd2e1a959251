"""Repair: never worse, the same again, and the same after a stop."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from sepia.errors import InputError
from sepia.models.separate import depthwise_pointwise
from sepia.models.separate.judge import Judge
from sepia.models.separate.network import SeparableNetwork
from sepia.models.separate.repair import Repaired, repair
from torch import Tensor, fx, nn

STEPS = 40
RATES = 10
"""Batches that rates are tried on at most: two for each of five."""


class Stopped(Exception):
    pass


def network() -> SeparableNetwork:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        module = nn.Sequential(
            nn.Conv2d(2, 8, 3, padding=1), nn.ReLU(), nn.Conv2d(8, 8, 3, padding=1), nn.ReLU(),
            nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(32, 4),
        ).eval()  # fmt: skip
    return SeparableNetwork(torch.export.export(module, (torch.zeros(1, 2, 8, 8),)), where="net")


def student(net: SeparableNetwork) -> fx.GraphModule:
    return net.with_layers({"2": depthwise_pointwise.separate(net.layers["2"], 1)})


def drawn(count: int, seed: int) -> list[list[Tensor]]:
    values = torch.randn(count, 2, 8, 8, generator=torch.Generator().manual_seed(seed))
    return [[one[None]] for one in values]


def batches() -> Iterator[list[Tensor]]:
    generator = torch.Generator().manual_seed(5)
    while True:
        yield [torch.randn(8, 2, 8, 8, generator=generator)]


def weights(module: fx.GraphModule) -> list[Tensor]:
    return [parameter.detach().clone() for parameter in module.parameters()]


def run(module: fx.GraphModule, net: SeparableNetwork, path: Path | None, stop_at: int | None = None) -> Repaired:
    def tick(done: int, total: int) -> None:
        assert total == RATES + STEPS
        if stop_at is not None and done == RATES + stop_at:
            raise Stopped

    return repair(net, module, batches, Judge(net, drawn(8, 1)), steps=STEPS, seed=0, checkpoint=path, tick=tick)


def same(one: list[Tensor], other: list[Tensor]) -> bool:
    return all(torch.equal(left, right) for left, right in zip(one, other, strict=True))


def test_it_comes_nearer_on_samples_of_neither_part() -> None:
    net = network()
    module = student(net)
    held = Judge(net, drawn(32, 2))
    before = held.loss(module)
    told = run(module, net, None)
    assert told.loss < 0.8 * told.loss_before and told.loss == Judge(net, drawn(8, 1)).loss(module)
    assert held.loss(module) < 0.8 * before
    assert not any(parameter.requires_grad for parameter in module.parameters())


def test_stopped_at_any_point_it_ends_with_the_same_bits(tmp_path: Path) -> None:
    net = network()
    straight = student(net)
    whole = run(straight, net, None)
    for number, stops in enumerate([(1 - RATES,), (1,), (17,), (2, 21, 39), (STEPS,)]):
        path = tmp_path / f"{number}.pt"
        for stop in stops:
            with pytest.raises(Stopped):
                run(student(net), net, path, stop_at=stop)
        again = student(net)
        told = run(again, net, path)
        assert same(weights(again), weights(straight)) and told.loss == whole.loss
        # Saved at every second step, a twentieth of them all.
        assert told.resumed_at == max(0, stops[-1] // 2 * 2)


def test_a_checkpoint_of_something_else_is_not_looked_at(tmp_path: Path) -> None:
    net = network()
    path = tmp_path / "one.pt"
    run(student(net), net, path)
    other = net.with_layers({"2": depthwise_pointwise.separate(net.layers["2"], 2)})
    assert run(other, net, path).resumed_at == 0
    path.write_bytes(b"no checkpoint")
    assert run(student(net), net, path).resumed_at == 0


def test_what_cannot_be_learned_leaves_the_best_state(tmp_path: Path) -> None:
    """Batches of nothing but zeros: whatever is learned from them is worse on real samples, and is not kept."""
    net = network()
    module = student(net)

    def blank() -> Iterator[list[Tensor]]:
        while True:
            yield [torch.full((4, 2, 8, 8), 50.0)]

    judge = Judge(net, drawn(8, 1))
    told = repair(net, module, blank, judge, steps=STEPS, seed=0)
    assert judge.loss(module) == told.loss <= told.loss_before


def test_a_network_that_is_nearly_right_is_not_shaken(tmp_path: Path) -> None:
    """What helps a poor student loses a good one: at a hundredth of a tensor's rms a step, nothing is gained here."""
    net = network()
    module = net.with_layers({})
    generator = torch.Generator().manual_seed(3)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter += 2e-4 * torch.randn(parameter.shape, generator=generator)
    told = run(module, net, None)
    assert told.loss < 0.7 * told.loss_before


def test_no_steps_change_nothing() -> None:
    net = network()
    module = student(net)
    before = weights(module)
    told = repair(net, module, batches, Judge(net, drawn(4, 1)), steps=0, seed=0)
    assert told.loss == told.loss_before and same(before, weights(module))


def test_a_judge_without_samples_says_so() -> None:
    with pytest.raises(InputError, match="no samples"):
        Judge(network(), [])
