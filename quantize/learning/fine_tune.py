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
from ...inputs.calibration import CalibrationData
from ..fake.network import FakeNetwork
from ..held_back import split
from .batches import batches

__all__ = ["Learned", "fine_tune"]

_BATCH = 8
_JUDGED = 1 / 8
"""Share of the samples to fit to that the best state is chosen on; they are not learned from."""
_JUDGED_MOST = 32
_LOOKS = 8
"""How often the network is judged."""
_WARM_UP = 0.05
_BETAS = (0.9, 0.99)
_MOMENTUM = 0.9


@dataclass(frozen=True)
class Learned:
    """A parameter and how far it goes, in its own unit, if its gradient never changes.

    By Adam every number goes that far, whatever the size of its gradient. Weights that wait for another code would then
    all get it at once, and the network would be ruined together. `few`: the way is in proportion to the gradient, and
    `travel` that of one as large as the rms over all such parameters, so that only those go far that gain much.
    """

    parameter: Tensor
    travel: float
    few: bool = False


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

    `steps` batches; Adam (Kingma and Ba 2015, arXiv:1412.6980), or the gradient itself with momentum for `few`, with a
    short warm-up and a cosine decay to zero. The state that did best on an eighth of the samples is kept. These are not
    learned from; they are cropped as the others are, because what made `fitted` may have fitted the samples as they
    stand. The best may be the first state: on them the network never gets worse. What is held back from
    `network.task.data` is not seen at all.

    Memory: one batch's activations, a shuffle of 64 samples, those that it is judged on (32 at most). The same seed
    gives the same parameters. what: the phase, for progress. Raises QuantizeError where there are no samples.
    """
    if not steps or not learned:
        return
    task = network.task
    if not len(task.data):
        raise QuantizeError(task.where, "the calibration data has no samples", accepted="one sample or more")
    to_learn, judged = _apart(task.data)
    judge = _Judge(network, _on_grid(network, batches(judged, 1, seed=seed + 1, augment=augment)), len(judged))
    size = batch if judge.batches_are_their_samples else 1
    optimizer = _Optimizer(learned, steps)
    best, kept = judge.loss(), _copies(learned)
    looks = {round(steps * (look + 1) / _LOOKS) for look in range(_LOOKS)}
    stream = _taught(network, _on_grid(network, batches(to_learn, size, seed=seed, augment=augment)))
    with closing(stream):
        for step, (feeds, targets) in enumerate(islice(stream, steps), start=1):
            loss = judge.error(network.run(feeds, network.outputs), targets)
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            network.keep_within()
            if step in looks and (found := judge.loss()) < best:
                best, kept = found, _copies(learned)
            task.told(what, step, steps)
    _restore(learned, kept)
    for one in learned:
        one.parameter.requires_grad_(False)
        one.parameter.grad = None


def _apart(data: CalibrationData) -> tuple[CalibrationData, CalibrationData]:
    to_learn, judged = split(data, min(_JUDGED, _JUDGED_MOST / max(len(data), 1)))
    return (to_learn, judged) if len(judged) else (data, data)


def _on_grid(network: FakeNetwork, stream: Iterator[dict[str, Tensor]]) -> Iterator[dict[str, Tensor]]:
    """What an interpolation made of images is brought back to the codes that images have.

    A photo's grid holds its bytes exactly; between them lies what no camera gives and the network would be blamed for.
    """
    for feeds in stream:
        with torch.no_grad():
            images = {name for name, values in feeds.items() if values.ndim == 4 and name in network.grids}
            held = {name: network.grids[name](feeds[name]) for name in images}
        yield {**feeds, **held}


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

    def __init__(self, network: FakeNetwork, stream: Iterator[dict[str, Tensor]], count: int) -> None:
        self.network = network
        self.feeds = list(islice(stream, count))
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


class _Optimizer:
    """Adam for most, the gradient itself for `few`."""

    def __init__(self, learned: Sequence[Learned], steps: int) -> None:
        whole = sum(_rate(step, steps) for step in range(steps))
        for one in learned:
            one.parameter.requires_grad_(True)
        self.few = [one.parameter for one in learned if one.few]
        made: list[torch.optim.Optimizer] = []
        groups = {
            few: [{"params": [one.parameter], "lr": one.travel / whole} for one in learned if one.few is few]
            for few in (False, True)
        }
        if groups[False]:
            made.append(torch.optim.Adam(groups[False], betas=_BETAS))
        if groups[True]:
            made.append(torch.optim.SGD(groups[True], momentum=_MOMENTUM, dampening=_MOMENTUM))
        self.made = made
        self.schedules = [torch.optim.lr_scheduler.LambdaLR(one, lambda step: _rate(step, steps)) for one in made]
        self.power = 0.0
        self.taken = 0

    def step(self) -> None:
        self._by_rms()
        for one, schedule in zip(self.made, self.schedules, strict=True):
            one.step()
            schedule.step()
            one.zero_grad(set_to_none=True)

    def _by_rms(self) -> None:
        """Gradients of `few` by their rms over all of them, as a mean over the steps so far."""
        gradients = [parameter.grad for parameter in self.few if parameter.grad is not None]
        if not gradients:
            return
        count = sum(gradient.numel() for gradient in gradients)
        now = sum(float(gradient.square().sum()) for gradient in gradients) / count
        self.taken += 1
        self.power += (now - self.power) / min(self.taken, 20)
        for gradient in gradients:
            gradient.div_(max(self.power, 1e-30) ** 0.5)


def _rate(step: int, steps: int) -> float:
    warm = max(1, round(steps * _WARM_UP))
    return min(1.0, (step + 1) / warm) * 0.5 * (1.0 + cos(pi * step / steps))


def _copies(learned: Sequence[Learned]) -> list[Tensor]:
    return [one.parameter.detach().clone() for one in learned]


@torch.no_grad()
def _restore(learned: Sequence[Learned], kept: Sequence[Tensor]) -> None:
    for one, values in zip(learned, kept, strict=True):
        one.parameter.copy_(values)
