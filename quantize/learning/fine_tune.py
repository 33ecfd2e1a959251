"""The loop of every technique that trains the whole fake-quantised network against the float one, without labels.

Hinton et al. 2015, arXiv:1503.02531, section 2: the squared error of the logits is what matching soft targets becomes
at a high temperature. It is also what a quantisation is judged by here.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import islice
from math import cos, pi

import torch
from torch import Tensor

from ...errors import QuantizeError
from ...inputs.calibration import CalibrationData, Sample
from ..fake.network import FakeNetwork
from ..held_back import split
from .batches import batches, moved

__all__ = ["Learned", "fine_tune"]

_BATCH = 8
_JUDGED = 1 / 8
"""Share of the samples to fit to that states are judged on; they are not learned from."""
_JUDGED_MOST = 32
_VIEWS = 2
"""Of each of them, if samples are augmented."""
_LOOKS = 8
"""How often the network is judged."""
_WARM_UP = 0.05
_BETAS = (0.9, 0.99)


@dataclass(frozen=True)
class Learned:
    """A parameter and how far it goes, in its own unit, if its gradient never changes its sign.

    Adam's step is about its rate whatever the gradient's size, so the way there is the sum of the rates; a rate of its
    own would mean another thing for each number of steps.
    """

    parameter: Tensor
    travel: float


def fine_tune(
    network: FakeNetwork,
    learned: Sequence[Learned],
    *,
    steps: int,
    seed: int,
    what: str,
    augment: bool = True,
    batch: int = _BATCH,
) -> None:
    """Move the `learned` parameters so that the outputs come nearer to those of the float network.

    `steps` batches; Adam (Kingma and Ba 2015, arXiv:1412.6980) with a short warm-up and a cosine decay to zero. The
    last state is kept if it does better than the first on an eighth of the samples, else the one that did best on them,
    which may be the first: on them the network never gets worse. They are not learned from, and are judged as
    augmentation moves them, because what made `fitted` may have learned them as they stand. What is held back from
    `network.task.data` is not seen at all. Memory: one batch's activations, a shuffle of 64 samples, those that it is
    judged on (32 at most, two views of each). The same seed gives the same parameters. what: the phase, for progress.
    """
    if not steps or not learned:
        return
    task = network.task
    to_learn, judged = _apart(task.data)
    judge = _Judge(network, _views(network, islice(judged, _JUDGED_MOST), seed=seed, augment=augment))
    size = batch if judge.batches_are_their_samples else 1
    optimizer = _adam(learned, steps)
    scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: _rate(step, steps))
    first = best = last = judge.loss()
    kept = _copies(learned)
    looks = {round(steps * (look + 1) / _LOOKS) for look in range(_LOOKS)}
    with closing(_taught(network, batches(to_learn, size, seed=seed, augment=augment))) as stream:
        for step, (feeds, targets) in enumerate(islice(stream, steps), start=1):
            optimizer.zero_grad(set_to_none=True)
            loss = judge.error(network.run(feeds, network.outputs), targets)
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            scheduler.step()
            network.keep_within()
            if step in looks and (last := judge.loss()) < best:
                best, kept = last, _copies(learned)
            task.told(what, step, steps)
    # The rate has come to nothing by then; of few samples, the best of many looks is often a chance.
    if not last < first:
        _restore(learned, kept)
    for one in learned:
        one.parameter.requires_grad_(False)
        one.parameter.grad = None


def _apart(data: CalibrationData) -> tuple[CalibrationData, CalibrationData]:
    to_learn, judged = split(data, _JUDGED)
    return (to_learn, judged) if len(judged) else (data, data)


def _views(network: FakeNetwork, samples: Iterator[Sample], *, seed: int, augment: bool) -> list[dict[str, Tensor]]:
    generator = torch.Generator().manual_seed(seed)
    feeds = [network.tensors(sample) for sample in samples]
    return [moved(sample, generator) for sample in feeds for _ in range(_VIEWS)] if augment else feeds


def _taught(
    network: FakeNetwork, stream: Iterator[dict[str, Tensor]]
) -> Generator[tuple[dict[str, Tensor], dict[str, Tensor]], None, None]:
    """Each batch with what the float network says of it."""
    for feeds in stream:
        with torch.no_grad():
            targets = network.run(feeds, network.outputs, values=(), layers=())
        yield feeds, targets


class _Judge:
    """The loss on samples that are kept, with the float network's outputs for them."""

    def __init__(self, network: FakeNetwork, feeds: Sequence[dict[str, Tensor]]) -> None:
        if not feeds:
            raise QuantizeError(
                network.task.where, "the calibration data has no samples", accepted="one sample or more"
            )
        self.network = network
        self.feeds = feeds
        self.targets = [self._float(feeds) for feeds in self.feeds]
        powers = {name: torch.cat([target[name].reshape(-1) for target in self.targets]) for name in network.outputs}
        self.power = {name: float(values.var(correction=0)) or 1.0 for name, values in powers.items()}

    @torch.no_grad()
    def _float(self, feeds: Mapping[str, Tensor]) -> dict[str, Tensor]:
        return self.network.run(feeds, self.network.outputs, values=(), layers=())

    def error(self, found: Mapping[str, Tensor], targets: Mapping[str, Tensor]) -> Tensor:
        """Squared error of each output by the variance of the float one, summed over outputs."""
        errors = [(found[name] - targets[name]).square().mean() / self.power[name] for name in targets]
        return torch.stack(errors).sum()

    @torch.no_grad()
    def loss(self) -> float:
        outputs = self.network.outputs
        pairs = zip(self.feeds, self.targets, strict=True)
        total = [float(self.error(self.network.run(feeds, outputs), targets)) for feeds, targets in pairs]
        return sum(total) / len(total)

    @property
    def batches_are_their_samples(self) -> bool:
        """Whether the graph keeps the batch first: two samples together give what they give alone."""
        if len(self.feeds) < 2:
            return False
        first, second = self.feeds[:2]
        try:
            both = self._float({name: torch.cat([first[name], second[name]]) for name in first})
        except QuantizeError:
            return False
        alone = {name: torch.cat([target[name] for target in self.targets[:2]]) for name in both}
        return all(
            both[name].shape == alone[name].shape
            and torch.allclose(both[name], alone[name], rtol=1e-3, atol=1e-3 * self.power[name] ** 0.5)
            for name in both
        )


def _adam(learned: Sequence[Learned], steps: int) -> torch.optim.Optimizer:
    whole = sum(_rate(step, steps) for step in range(steps))
    for one in learned:
        one.parameter.requires_grad_(True)
    return torch.optim.Adam([{"params": [one.parameter], "lr": one.travel / whole} for one in learned], betas=_BETAS)


def _rate(step: int, steps: int) -> float:
    warm = max(1, round(steps * _WARM_UP))
    return min(1.0, (step + 1) / warm) * 0.5 * (1.0 + cos(pi * step / steps))


def _copies(learned: Sequence[Learned]) -> list[Tensor]:
    return [one.parameter.detach().clone() for one in learned]


@torch.no_grad()
def _restore(learned: Sequence[Learned], kept: Sequence[Tensor]) -> None:
    for one, values in zip(learned, kept, strict=True):
        one.parameter.copy_(values)
