"""Samples for learning: in another order each time round, a few in memory, mirrored and shifted if they are images."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import torch
import torch.nn.functional as F  # noqa: N812 - as all of torch's users know it
from torch import Tensor

from ..calibration.ahead import ahead
from ..calibration.calibrate import Samples

__all__ = ["batches", "moved"]

_WAITING = 64
"""Samples among which the next one is drawn: a shuffle whose memory does not grow with their number."""
_SHIFT = 1 / 16
"""The furthest shift, as a share of the side of an image."""


def batches(data: Samples, size: int, *, seed: int, augment: bool) -> Iterator[dict[str, Tensor]]:
    """Endless batches of `size` samples, input name → [size, …] float32. The same seed gives the same batches.

    augment: half of the samples are mirrored left to right and all are shifted by up to a sixteenth of their side, the
    edge repeated; inputs of rank 4 alone, and all inputs of a sample alike. The float network is asked what it makes of
    each, so that labels may change with the mirror. Not for signals and volumes, whose axes may mean something else.
    """
    generator = torch.Generator().manual_seed(seed)
    batch: list[dict[str, Tensor]] = []
    for sample in ahead(_shuffled(data, generator)):
        batch.append(moved(sample, generator) if augment else sample)
        if len(batch) == size:
            yield {name: torch.cat([one[name] for one in batch]) for name in batch[0]}
            batch = []


def _shuffled(data: Samples, generator: torch.Generator) -> Iterator[dict[str, Tensor]]:
    """Round after round, in the thread of whoever takes them; the generator is drawn from nowhere else meanwhile."""
    order = torch.Generator().manual_seed(int(generator.initial_seed()) + 1)
    while True:
        waiting: list[dict[str, Tensor]] = []
        for sample in data:
            waiting.append(_tensors(sample))
            if len(waiting) == _WAITING:
                yield waiting.pop(_drawn(_WAITING, order))
        while waiting:
            yield waiting.pop(_drawn(len(waiting), order))


def _tensors(sample: Mapping[str, object]) -> dict[str, Tensor]:
    return {name: torch.as_tensor(array) for name, array in sample.items()}


def _drawn(count: int, generator: torch.Generator) -> int:
    return int(torch.randint(count, (), generator=generator))


def moved(sample: Mapping[str, Tensor], generator: torch.Generator) -> dict[str, Tensor]:
    """A sample as `batches` augments it, by the next draws of `generator`."""
    mirror = bool(_drawn(2, generator))
    shares = [2 * float(torch.rand((), generator=generator)) - 1 for _ in range(2)]
    return {name: _move(values, mirror, shares) if values.ndim == 4 else values for name, values in sample.items()}


def _move(image: Tensor, mirror: bool, shares: list[float]) -> Tensor:
    """image: [N, C, H, W]. shares: of the furthest shift, down and right, in [−1, 1]."""
    image = image.flip(3) if mirror else image
    down, right = (round(share * _SHIFT * side) for share, side in zip(shares, image.shape[2:], strict=True))
    height, width = image.shape[2:]
    padded = F.pad(image, (abs(right), abs(right), abs(down), abs(down)), mode="replicate")
    return padded.narrow(2, abs(down) - down, height).narrow(3, abs(right) - right, width)
