"""What separation lost is learned back: the outputs of the exact network are the targets, no label is needed.

Hinton et al. 2015, arXiv:1503.02531, section 2: the squared error of the logits is what matching soft targets becomes
at a high temperature. The loop is that of `quantize.learning.fine_tune`, for plain weights.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from math import cos, pi
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, fx

from ...files import replacing
from .judge import Judge
from .network import SeparableNetwork

__all__ = ["Repaired", "repair"]

_RATES = (0.01, 0.003, 0.001, 0.0003, 0.0001)
"""Of a tensor's rms: the most that a step moves its values, for Adam's steps have the size of its rate. A small network
learns most by the first; a deep one, trained for long, is lost by it."""
_PROBES = 20
"""A rate is tried for a twentieth of the steps."""
_LOOKS = 8
"""How often the network is judged."""
_WARM_UP = 0.05
_BETAS = (0.9, 0.99)
_SAVES = 20
"""Checkpoints in all; what is lost by a kill is a twentieth."""


@dataclass(frozen=True)
class Repaired:
    """loss_before, loss: on the samples that judge, see `Judge.loss`. steps: of learning. resumed_at: the step that a
    checkpoint had come to; 0 for a new start.
    """

    loss_before: float
    loss: float
    steps: int
    resumed_at: int


def repair(
    network: SeparableNetwork,
    student: fx.GraphModule,
    batches: Callable[[], Iterator[Sequence[Tensor]]],
    judge: Judge,
    *,
    steps: int,
    seed: int,
    checkpoint: Path | None = None,
    tick: Callable[[int, int], None] = lambda done, total: None,
) -> Repaired:
    """Move all weights of `student`, in place, so that its outputs come nearer to the exact network's.

    batches: the same endless stream each time it is called: one tensor [N, …] an input. judge: with samples that are
    not in it; the state that does best on them is kept, and that may be the first, so the loss there never rises. They
    choose the rate, too: from the quickest on, each is tried for a twentieth of `steps`, until one gains by it.
    checkpoint: a file to go on from; one of another network, other settings or another torch is not looked at. Stopped
    anywhere and called again with the same, the weights come out bit for bit (with as many threads). Adam (Kingma and
    Ba 2015, arXiv:1412.6980) with a short warm-up and a cosine decay to zero.
    """
    learned = [parameter.requires_grad_(True) for parameter in student.parameters() if parameter.is_floating_point()]
    before = judge.loss(student)
    if not steps or not learned:
        return Repaired(before, before, 0, 0)
    state = _State(network, student, learned, before)
    key = _key(student, judge, steps, seed)
    began = state.load(checkpoint, key, steps)
    tries = max(1, steps // _PROBES)
    whole = steps + tries * len(_RATES)
    if not began:
        tick(0, whole)
        rate = _best_rate(state, judge, batches, tries, lambda done: tick(done, whole))
        state.begin(rate, steps)
    looks = {round(steps * (look + 1) / _LOOKS) for look in range(_LOOKS)}
    saves = {round(steps * (save + 1) / _SAVES) for save in range(_SAVES)}
    tick(whole - steps + began, whole)
    for step, feeds in enumerate(islice(batches(), began, steps), start=began + 1):
        state.learn(judge, feeds)
        if step in looks:
            state.keep(judge.loss(student))
        if step in saves:
            state.save(checkpoint, key, step)
        tick(whole - steps + step, whole)
    state.finish()
    return Repaired(before, state.best, steps, began)


def _best_rate(
    state: _State,
    judge: Judge,
    batches: Callable[[], Iterator[Sequence[Tensor]]],
    tries: int,
    tick: Callable[[int], None],
) -> float:
    """The quickest that gains at all: in a whole run it gains more than the one that a short trial likes best. The
    slowest if none does. Leaves the weights as they were."""
    for number, rate in enumerate(_RATES):
        state.begin(rate, tries)
        for step, feeds in enumerate(islice(batches(), tries), start=1):
            state.learn(judge, feeds)
            tick(number * tries + step)
        loss = judge.loss(state.student)
        state.put_back()
        if loss < state.best:
            break
    return rate


class _State:
    """All that a run is: weights, optimiser, the best state so far."""

    def __init__(
        self, network: SeparableNetwork, student: fx.GraphModule, learned: Sequence[Tensor], loss: float
    ) -> None:
        self.network, self.exact = network, network.exact()
        self.student, self.learned = student, learned
        self.best = loss
        self.kept = [one.detach().clone() for one in learned]

    def begin(self, rate: float, steps: int) -> None:
        self.rate = rate
        groups = [{"params": [one], "lr": rate * _rms(one)} for one in self.learned]
        self.optimizer = torch.optim.Adam(groups, betas=_BETAS)
        self.scheduler = torch.optim.lr_scheduler.LambdaLR(self.optimizer, lambda step: _rate(step, steps))

    def learn(self, judge: Judge, feeds: Sequence[Tensor]) -> None:
        with torch.no_grad():
            targets = [target.clone() for target in self.network.run(self.exact, feeds)]
        self.optimizer.zero_grad(set_to_none=True)
        judge.error(self.network.run(self.student, feeds), targets).backward()  # type: ignore[no-untyped-call]
        self.optimizer.step()
        self.scheduler.step()

    @torch.no_grad()
    def put_back(self) -> None:
        for one, values in zip(self.learned, self.kept, strict=True):
            one.copy_(values)

    def keep(self, loss: float) -> None:
        if loss < self.best:
            self.best, self.kept = loss, [one.detach().clone() for one in self.learned]

    def save(self, path: Path | None, key: str, step: int) -> None:
        if path is None:
            return
        held = {
            "key": key,
            "step": step,
            "rate": self.rate,
            "weights": [one.detach() for one in self.learned],
            "optimizer": self.optimizer.state_dict(),
            "scheduler": self.scheduler.state_dict(),
            "best": self.best,
            "kept": self.kept,
        }
        with replacing(path) as partial:
            torch.save(held, partial)

    def load(self, path: Path | None, key: str, steps: int) -> int:
        """The step that `path` holds, 0 where it is of something else or cannot be read."""
        held = _read(path)
        if held is None or held.get("key") != key:
            return 0
        with torch.no_grad():
            for one, values in zip(self.learned, held["weights"], strict=True):
                one.copy_(values)
        self.begin(held["rate"], steps)
        self.optimizer.load_state_dict(held["optimizer"])
        self.scheduler.load_state_dict(held["scheduler"])
        self.best, self.kept = float(held["best"]), list(held["kept"])
        return int(held["step"])

    def finish(self) -> None:
        self.put_back()
        for one in self.learned:
            one.requires_grad_(False)
            one.grad = None


def _read(path: Path | None) -> dict[str, Any] | None:
    if path is None or not path.is_file():
        return None
    try:
        found = torch.load(path, weights_only=True)
    except Exception:  # noqa: BLE001 - torch's loader raises whatever it trips over; then it begins anew
        return None
    return found if isinstance(found, dict) else None


def _key(student: fx.GraphModule, judge: Judge, steps: int, seed: int) -> str:
    """Digest of what decides the result: the first weights, the samples that judge, the settings, torch's version."""
    said = hashlib.sha256(f"{torch.__version__} {steps} {seed} {_RATES} {_PROBES} {_BETAS} {judge.batched}".encode())
    for name, parameter in student.named_parameters():
        said.update(name.encode() + parameter.detach().numpy().tobytes())
    for feeds in judge.samples:
        for tensor in feeds:
            said.update(tensor.numpy().tobytes())
    return said.hexdigest()


def _rms(tensor: Tensor) -> float:
    return float(tensor.detach().double().square().mean().sqrt())


def _rate(step: int, steps: int) -> float:
    warm = max(1, round(steps * _WARM_UP))
    return min(1.0, (step + 1) / warm) * 0.5 * (1.0 + cos(pi * step / steps))
