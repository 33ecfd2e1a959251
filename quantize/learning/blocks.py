"""Block-wise reconstruction: the roundings of a block, learned together against the float block's output.

Li et al. 2021, arXiv:2102.05426 (BRECQ), algorithm 1: blocks one after another, each reading what the blocks before it,
rounded already, make of the samples; roundings as in AdaRound (`soft_rounding`). Other than there biases are learned
too, the scales of activations only if asked (as in LSQ, Esser et al. 2020, arXiv:1902.08153, in the same go), and the
squared error is not weighted by the Fisher information, for which labels or a loss would be needed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from ...graph.quantization import QuantParams
from ...inputs.calibration import CalibrationData, Sample
from ..calibration.ahead import ahead
from ..calibration.code_store import CodeStore
from ..fake.network import FakeNetwork
from ..fitted import Fitted, Task
from .find_blocks import Block, find_blocks
from .learn_block import BlockLearning, learn_block

__all__ = ["round_by_blocks"]

_MOST_SAMPLES = 1024
"""Samples that blocks are learned on, evenly over all: more would not be seen often enough, and fill the disk."""


def round_by_blocks(task: Task, fitted: Fitted, *, seed: int = 0, how: BlockLearning | None = None) -> Fitted:
    """Learn codes and biases, with `how` the grids of activations too, block by block, from those that are `fitted`.

    Memory does not grow with the samples: codes and float values between two blocks are in temporary files, for at most
    1024 samples. A block that learning made no better stays as it was. Grids that are fixed, or that hold values of two
    blocks, stay too. Raises QuantizeError if a sample does not fit or an op cannot be run in torch.
    """
    network = FakeNetwork(task, fitted)
    blocks = find_blocks(task.model, task.placement)
    with ExitStack() as stack:
        exact, rounded = _Stream(stack, network, False), _Stream(stack, network, True)
        for sample in ahead(_some(task.data)):
            feeds = network.tensors(sample)
            exact.add(feeds)
            rounded.add(feeds)
        settled = set(network.inputs)
        for number, block in enumerate(blocks):
            task.told("blocks", number, len(blocks))
            exact.advance(block)
            learn_block(
                network,
                block,
                rounded.read,
                exact.read,
                rounded.count,
                settled=settled,
                seed=seed + number,
                how=how or BlockLearning(),
            )
            settled |= set(block.values)
            rounded.advance(block)
            following = blocks[number + 1].inputs if number + 1 < len(blocks) else ()
            exact.keep(following)
            rounded.keep(following)
    task.told("blocks", len(blocks), len(blocks))
    return network.fitted()


class _Stream:
    """The values between two blocks for every sample: in float, or on their grids and then held as codes."""

    def __init__(self, stack: ExitStack, network: FakeNetwork, rounded: bool) -> None:
        self._store = stack.enter_context(CodeStore())
        self._network = network
        self._rounded = rounded
        self.count = 0

    def add(self, values: Mapping[str, torch.Tensor]) -> None:
        """The network's inputs for the next sample."""
        self._append(values)
        self.count += 1

    def advance(self, block: Block) -> None:
        """Compute and store the outputs of `block`, whose inputs are stored."""
        only: dict[str, Any] = {} if self._rounded else {"values": (), "layers": ()}
        for sample in range(self.count):
            with torch.no_grad():
                self._append(self._network.run(self.read(block.inputs, [sample]), block.outputs, **only))

    def read(self, names: Sequence[str], samples: Sequence[int]) -> dict[str, torch.Tensor]:
        """Real values of `samples`, one batch."""
        found = {}
        for name in names:
            array = np.concatenate([self._store.read(name, sample) for sample in samples])
            found[name] = torch.from_numpy(self._grid(name).dequantize(array) if self._is_codes(name) else array)
        return found

    def keep(self, names: Sequence[str]) -> None:
        self._store.keep(tuple(names))

    def _append(self, values: Mapping[str, torch.Tensor]) -> None:
        for name, tensor in values.items():
            array: NDArray[Any] = tensor.contiguous().numpy()
            self._store.append(name, self._grid(name).quantize(array) if self._is_codes(name) else array)

    def _is_codes(self, name: str) -> bool:
        return self._rounded and name in self._network.grids

    def _grid(self, name: str) -> QuantParams:
        return self._network.grids[name].params()


def _some(data: CalibrationData) -> Iterator[Sample]:
    step = max(1.0, len(data) / _MOST_SAMPLES)
    chosen = {int(number * step) for number in range(min(len(data), _MOST_SAMPLES))}
    return (sample for index, sample in enumerate(data) if index in chosen)
