"""`python -m benchmarks.separating`: what separation costs and gains, beside TensorLy. Table on stdout.

Digits: 1300 samples to separate with, of which a fifth is held back; figures are of 497 others. Lite0: the photos of
calibration to separate with; figures are of those of validation.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from sepia.graph.kinds import convolution_kind
from sepia.models import load_source
from sepia.models.separate.factored import Factored
from sepia.models.separate.judge import Judge
from sepia.models.separate.network import SeparableNetwork
from sepia.models.separate.repair import repair
from sepia.models.separate.separate import Goal, Separated, Setting, separate
from sepia.quantize.held_back import split
from sepia.quantize.learning.batches import batches

from ..environments import python_of
from ..machine import describe
from .peer import decomposed

if TYPE_CHECKING:
    from sepia.inputs.calibration import CalibrationData

REPOSITORY = Path(__file__).resolve().parents[2]
HEAD = ("network", "technique", "MACs M", "of it", "error %", "agreement", "top-1", "repaired: error %", "agreement",
        "top-1")  # fmt: skip


@dataclass(frozen=True)
class Subject:
    """A network, what it is separated with, and samples with labels that nobody saw."""

    name: str
    network: SeparableNetwork
    macs: int
    data: CalibrationData
    unseen: Judge
    labels: Sequence[int]
    augment: bool


def main() -> int:
    arguments = _arguments()
    torch.set_num_threads(arguments.threads)
    machine = ", ".join(f"{key} {value}" for key, value in describe().items())
    print(f"`{' '.join(['python -m benchmarks.separating', *sys.argv[1:]])}` ({machine})\n", flush=True)
    print(f"Repair: {arguments.steps} batches of 16. Error: rms of the outputs' error over their spread.\n", flush=True)
    print("| " + " | ".join(HEAD) + " |\n|" + "---|" * len(HEAD), flush=True)
    for name in arguments.only:
        _table(SUBJECTS[name](arguments), arguments)
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.separating", description=__doc__)
    beside = REPOSITORY.parent / "shared" / "imagenet"
    parser.add_argument("--photos", type=Path, default=Path(os.environ.get("SEPIA_PHOTOS", beside)))
    build = REPOSITORY / "build"
    parser.add_argument("-o", "--out", type=Path, default=build / "separating", help="default: build/separating")
    parser.add_argument("--peers", type=Path, default=build / "peers", help="environments; default: build/peers")
    parser.add_argument("--only", nargs="+", choices=SUBJECTS, default=list(SUBJECTS), help="default: both")
    parser.add_argument("--budgets", nargs="+", type=float, default=[50, 35, 20], help="percent; default: 50 35 20")
    parser.add_argument("--steps", type=int, default=400, help="of repair; default: 400")
    parser.add_argument("--by", choices=["outputs", "responses"], default="outputs", help="default: outputs")
    parser.add_argument("--threads", type=int, default=1, help="of torch; default: 1")
    return parser.parse_args()


def _digits(arguments: argparse.Namespace) -> Subject:
    from sepia.inputs.calibration import CalibrationData

    from .digits import SHAPE, digits, trained

    train, unseen = digits()
    net = trained()
    with torch.no_grad():
        program = torch.export.export(net, (torch.zeros(*SHAPE),))

    def samples() -> Iterator[dict[str, torch.Tensor]]:
        yield from ({"input": image[None]} for image in train.images)

    data = CalibrationData("digits", False, len(train.images), samples)  # type: ignore[arg-type]
    network = SeparableNetwork(program, where="digits")
    judge = Judge(network, ([torch.from_numpy(image[None])] for image in unseen.images))
    return Subject("digits CNN", network, _macs(program), data, judge, unseen.labels.tolist(), augment=False)


def _lite0(arguments: argparse.Namespace) -> Subject:
    from sepia.inputs import LabelledFolder
    from sepia.inputs.calibration import calibration_data

    loaded = load_source("efficientnet-lite0", arguments.out)
    if loaded.program is None or loaded.preparation is None:
        raise ValueError("the zoo has it with its preparation")
    shape = {"input": (1, 3, loaded.preparation.height, loaded.preparation.width)}
    data, unseen = (
        calibration_data(arguments.photos / part, shape, loaded.preparation) for part in ("calibration", "validation")
    )
    network = SeparableNetwork(loaded.program, where="Lite0")
    judge = Judge(network, ([torch.from_numpy(sample["input"])] for sample in unseen))
    labels = [index for _, index in sorted(LabelledFolder(arguments.photos / "validation"))]
    return Subject("EfficientNet-Lite0", network, _macs(loaded.program), data, judge, labels, augment=True)


SUBJECTS = {"digits": _digits, "lite0": _lite0}


def _macs(program: torch.export.ExportedProgram) -> int:
    from sepia.export.torch_to_onnx import to_graph
    from sepia.graph.cost import graph_cost

    return sum(cost.macs for cost in graph_cost(to_graph(program)))


class _Run:
    """One subject at one budget: ours first, then the peers at the MACs of the same layers."""

    def __init__(self, subject: Subject, arguments: argparse.Namespace) -> None:
        self.subject, self.arguments = subject, arguments
        seen, held = split(subject.data, 1 / 5)
        self.learns, mends = split(seen, 1 / 8)
        network = subject.network
        self.held = Judge(network, self._feeds(held, len(held)))
        self.mends = Judge(network, self._feeds(mends, 32))

    def _feeds(self, data: CalibrationData, most: int) -> Iterator[list[torch.Tensor]]:
        for sample in islice(data, 0, None, -(-len(data) // most)):
            yield [torch.from_numpy(array) for array in sample.values()]

    def batches(self) -> Iterator[list[torch.Tensor]]:
        for batch in batches(self.learns, 16, seed=0, augment=self.subject.augment):
            yield list(batch.values())

    def separated(self, budget: float) -> Separated:
        network = self.subject.network
        kinds = {name: str(convolution_kind(shape, groups)) for name, (shape, groups) in network.weight_shapes.items()}
        setting = Setting(
            kinds,
            self.subject.macs,
            lambda: self._feeds(self.learns, 64),
            Judge(network, self._feeds(self.learns, 32)),
            self.batches,
            self.mends,
            self.held,
            by=self.arguments.by,
            steps=0,
        )
        return separate(network, Goal(macs=int(budget * self.subject.macs / 100)), setting, tick=_tell)

    def row(self, technique: str, chosen: Mapping[str, Factored]) -> None:
        network = self.subject.network
        saved = sum(network.layers[name].macs - factored.macs for name, factored in chosen.items())
        macs = self.subject.macs - saved
        module = network.with_layers(chosen)
        cells = [self.subject.name, technique, f"{macs / 1e6:.4g}", f"{macs / self.subject.macs:.1%}"]
        cells += self.figures(module)
        repair(network, module, self.batches, self.mends, steps=self.arguments.steps, seed=0)
        print("| " + " | ".join([*cells, *self.figures(module)]) + " |", flush=True)

    def figures(self, module: torch.fx.GraphModule) -> list[str]:
        judge = self.subject.unseen
        with torch.no_grad():
            found = [int(self.subject.network.run(module, feeds)[0].argmax()) for feeds in judge.samples]
        right = sum(one == label for one, label in zip(found, self.subject.labels, strict=True)) / len(found)
        return [f"{100 * judge.loss(module):.1f}", f"{judge.agreement(module):.4f}", f"{right:.4f}"]


def _table(subject: Subject, arguments: argparse.Namespace) -> None:
    run = _Run(subject, arguments)
    exact = run.figures(subject.network.exact())
    whole = [subject.name, "as it is", f"{subject.macs / 1e6:.4g}", "100.0%", *exact, "", "", ""]
    print("| " + " | ".join(whole) + " |", flush=True)
    for budget in arguments.budgets:
        found = run.separated(budget)
        chosen = {name: option.factored for name, option in found.chosen.items()}
        run.row("sepia", chosen)
        run.row("sepia, the same without data", _blind(subject.network, chosen))
        macs = {name: factored.macs for name, factored in chosen.items() if subject.network.layers[name].taps > 1}
        if not macs:
            continue
        others = {name: factored for name, factored in chosen.items() if name not in macs}
        place = arguments.out / f"{subject.name.replace(' ', '-')}-{budget:g}"
        python = python_of("tensorly", arguments.peers)
        for technique, factors in decomposed(subject.network.layers, macs, python, place).items():
            run.row(f"TensorLy, {technique}", others | factors)


def _blind(network: SeparableNetwork, chosen: Mapping[str, Factored]) -> dict[str, Factored]:
    """The same techniques and ranks, fitted to the weights alone."""
    from sepia.models.separate.techniques import TECHNIQUES

    by_name = {technique.name: technique for technique in TECHNIQUES}
    return {
        name: by_name[factored.technique].separate(network.layers[name], factored.rank, None)
        for name, factored in chosen.items()
    }


def _tell(what: str, done: int, total: int) -> None:
    print(f"\r{what} {done}/{total}   ", end="\n" if done == total else "", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
