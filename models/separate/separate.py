"""A network with standard convolutions → the same with separable ones, for a budget of MACs or an agreement to keep."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from torch import Tensor, fx

from ...errors import ConfigError, ModelError
from .descend import Chosen, LossOf, Step, descend, least_macs, least_step, spared
from .judge import Judge
from .memory import remembering
from .network import SeparableNetwork
from .options import Option, find_options
from .repair import Repaired, repair

__all__ = ["Goal", "Outcome", "Separated", "Setting", "separate"]

By = Literal["outputs", "responses"]
Feeds = Sequence[Tensor]
Tick = Callable[[str, int, int], None]

_ROUNDS = 6
"""Networks that are repaired and judged, at most, while looking for the fewest MACs that keep an agreement."""
_HOPELESS = 1.0
"""Loss of the outputs that no choice goes beyond: as bad as a constant."""


@dataclass(frozen=True)
class Goal:
    """One of the two. macs: of the whole network, at most. agreement: with the original on samples held back, at least,
    in [0, 1].
    """

    macs: int | None = None
    agreement: float | None = None


@dataclass(frozen=True)
class Setting:
    """What the network is measured with. kinds: layer → its kind, from `graph.kinds`. macs: of the whole network.

    seen: the samples that fit and choose, one tensor [1, …] an input, as often as they are asked for. chooses: a judge
    on some of them. learns: endless batches of others, the same each time. mends: a judge on samples that are not
    learned from. held: a judge on samples that nothing was fitted to. by: what the choice counts, the loss of the
    network's outputs, or the squares of the errors of each layer's responses added up (no inferences). steps: of
    repair. folder: for checkpoints.
    """

    kinds: Mapping[str, str]
    macs: int
    seen: Callable[[], Iterable[Feeds]]
    chooses: Judge
    learns: Callable[[], Iterator[Feeds]]
    mends: Judge
    held: Judge
    by: By = "outputs"
    steps: int = 400
    seed: int = 0
    folder: Path | None = None


@dataclass(frozen=True)
class Outcome:
    """On the samples held back. loss: rms of the outputs' error over their spread. agreement: None without classes."""

    loss: float
    agreement: float | None


@dataclass(frozen=True, eq=False)
class Separated:
    """module: with its weights. chosen: layer → what stands in its place. macs: of the whole network. before, after:
    without repair and with. tried: (MACs, agreement) of every network that was repaired and judged. options: how many
    were looked at.
    """

    module: fx.GraphModule
    chosen: Mapping[str, Option]
    macs: int
    before: Outcome
    after: Outcome
    repaired: Repaired
    tried: tuple[tuple[int, float | None], ...] = ()
    options: Mapping[str, Sequence[Option]] = field(default_factory=dict)


def separate(network: SeparableNetwork, goal: Goal, setting: Setting, *, tick: Tick = lambda *_: None) -> Separated:
    """Choose, exchange, repair. The same inputs and seed give the same weights.

    Raises ModelError where nothing can be gained, ConfigError for a goal that is met already or out of reach.
    """
    _check_goal(network, goal, setting)
    options = find_options(
        network, setting.kinds, setting.seen, tick=lambda done, total: tick("ways to separate", done, total)
    )
    if not options:
        raise ModelError(network.where, f"nothing is gained: {_why_nothing(network, setting)}")
    layers = {name: network.layers[name].macs for name in options}
    loss_of = _loss(network, setting, options)
    steps = _told(descend(options, layers, setting.macs, loss_of), sum(map(len, options.values())), tick)
    trial = _Trial(network, setting, options, tick)
    if goal.macs is not None:
        least = least_macs(options, layers, setting.macs)
        found = least_step(steps, goal.macs) if least <= goal.macs else None
        if found is None:
            raise ConfigError(
                "--budget",
                f"{_millions(goal.macs)} MACs is out of reach: the least ranks of {len(options)} layers give "
                f"{_millions(least)} of {_millions(setting.macs)}",
                accepted=f"{_millions(least)} and more",
            )
        return trial(spared(found, options, layers, goal.macs, loss_of))
    return _fewest(steps, goal.agreement or 0.0, trial)


def _check_goal(network: SeparableNetwork, goal: Goal, setting: Setting) -> None:
    if (goal.macs is None) == (goal.agreement is None):
        raise ConfigError("sepia separate", "takes one goal", accepted="--keep-accuracy X or --budget MACS")
    if goal.macs is not None and goal.macs >= setting.macs:
        raise ConfigError(
            "--budget",
            f"{_millions(goal.macs)} MACs is met already: {network.where} has {_millions(setting.macs)}",
            accepted="fewer MACs, as 50%",
        )
    if goal.agreement is not None and setting.held.agreement(network.exact()) is None:
        raise ConfigError(
            "--keep-accuracy", f"{network.where} has no output of classes, [N, C, …]", accepted="--budget MACS"
        )


class _Trial:
    """Exchanges the layers of a step, repairs, and judges on what was held back."""

    def __init__(
        self, network: SeparableNetwork, setting: Setting, options: Mapping[str, Sequence[Option]], tick: Tick
    ) -> None:
        self.network, self.setting, self.options, self.tick = network, setting, options, tick

    def __call__(self, step: Step) -> Separated:
        setting = self.setting
        module = self.network.with_layers({name: option.factored for name, option in step.chosen.items()})
        before = self._judged(module)
        what = f"repair at {_millions(step.macs)} MACs"
        repaired = repair(
            self.network,
            module,
            setting.learns,
            setting.mends,
            steps=setting.steps,
            seed=setting.seed,
            checkpoint=None if setting.folder is None else setting.folder / f"repair-{step.macs}.pt",
            tick=lambda done, total: self.tick(what, done, total),
        )
        after = self._judged(module) if setting.steps else before
        ordered = {name: step.chosen[name] for name in self.options if name in step.chosen}
        return Separated(module, ordered, step.macs, before, after, repaired, (), self.options)

    def _judged(self, module: fx.GraphModule) -> Outcome:
        return Outcome(self.setting.held.loss(module), self.setting.held.agreement(module))


def _fewest(steps: Iterable[Step], wanted: float, trial: _Trial) -> Separated:
    """Bisection over the steps by MACs; each is repaired before it is judged."""
    path = []
    for step in steps:
        path.append(step)
        if step.loss >= _HOPELESS:
            break
    low, high = 0, len(path)
    best: Separated | None = None
    tried: list[tuple[int, float | None]] = []
    for _ in range(_ROUNDS):
        if high - low <= 1:
            break
        middle = (path[low].macs + path[min(high, len(path) - 1)].macs) / 2
        at = min(range(low + 1, high), key=lambda index: (abs(path[index].macs - middle), index))
        found = trial(path[at])
        agreement = found.after.agreement
        tried.append((path[at].macs, agreement))
        if agreement is not None and agreement >= wanted:
            low, best = at, found
        else:
            high = at
    if best is None:
        said = ", ".join(
            f"{_millions(macs)} MACs keep {agreement:.4f}" for macs, agreement in tried if agreement is not None
        )
        raise ConfigError(
            "--keep-accuracy",
            f"no network with fewer than {_millions(path[0].macs)} MACs was found that agrees on {wanted:g} of the "
            f"samples held back ({said})",
            accepted="less, or more samples to repair with",
        )
    return Separated(
        best.module, best.chosen, best.macs, best.before, best.after, best.repaired, tuple(tried), best.options
    )


def _loss(network: SeparableNetwork, setting: Setting, options: Mapping[str, Sequence[Option]]) -> LossOf:
    if setting.by == "responses":
        return lambda chosen: sum(option.error**2 for option in chosen.values()) ** 0.5

    def measured(chosen: Chosen) -> float:
        if not chosen:
            return 0.0
        module = network.with_layers({name: option.factored for name, option in chosen.items()})
        return setting.chooses.loss(module)

    path = None if setting.folder is None else setting.folder / "losses.jsonl"
    return remembering(measured, path, _key(setting, options))


def _key(setting: Setting, options: Mapping[str, Sequence[Option]]) -> str:
    """Digest of the samples and of everything that may be chosen."""
    said = hashlib.sha256()
    for feeds in setting.chooses.samples:
        for tensor in feeds:
            said.update(tensor.numpy().tobytes())
    for each in options.values():
        for option in each:
            said.update(option.key.encode() + option.factored.weight.tobytes())
    return said.hexdigest()


def _told(steps: Iterator[Step], total: int, tick: Tick) -> Iterator[Step]:
    for number, step in enumerate(steps):
        tick("layers to separate", number, total)
        yield step


def _why_nothing(network: SeparableNetwork, setting: Setting) -> str:
    """By kind of layer."""
    kinds = Counter(setting.kinds.values())
    if not kinds:
        return "it has no convolution with constant weights"
    held = ", ".join(f"{count} {kind}" for kind, count in sorted(kinds.items()))
    if not kinds["standard"] and not kinds["pointwise"]:
        return f"it has no standard convolution, and no 1×1 one ({held})"
    return f"no rank of any of its layers saves MACs ({held})"


def _millions(macs: int) -> str:
    return f"{macs / 1e6:.4g} M"
