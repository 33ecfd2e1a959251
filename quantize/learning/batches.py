"""Samples for learning: in another order each time round, a few in memory, cropped and mirrored if they are images."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import torch
import torch.nn.functional as F  # noqa: N812 - as all of torch's users know it
from torch import Tensor

from ..calibration.ahead import ahead
from ..calibration.calibrate import Samples

__all__ = ["batches"]

_WAITING = 64
"""Samples among which the next one is drawn: a shuffle whose memory does not grow with their number."""
_LEAST_SIDE = 0.5
"""Of a crop, as a share of the image's."""
_ASPECT = 1.25
"""The most that a crop is stretched."""


def batches(data: Samples, size: int, *, seed: int, augment: bool) -> Iterator[dict[str, Tensor]]:
    """Endless batches of `size` samples, input name → [size, …] float32. The same seed gives the same batches.

    augment: of each sample a part is cut out, half to all of its side, and resized to the whole, and half of them are
    mirrored left to right; inputs of rank 4 alone, and all inputs of a sample alike. The float network is asked what it
    makes of each, so that what is in it may change. Signals and volumes, whose axes may mean something else, stay.
    """
    generator = torch.Generator().manual_seed(seed)
    batch: list[dict[str, Tensor]] = []
    for sample in ahead(_shuffled(data, generator)):
        batch.append(_moved(sample, generator) if augment else sample)
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


def _moved(sample: Mapping[str, Tensor], generator: torch.Generator) -> dict[str, Tensor]:
    shares = [float(torch.rand((), generator=generator)) for _ in range(5)]
    return {name: _cut(values, shares) if values.ndim == 4 else values for name, values in sample.items()}


def _cut(image: Tensor, shares: list[float]) -> Tensor:
    """image: [N, C, H, W]. shares: of height, width, the places of both, and whether it is mirrored; in [0, 1)."""
    tall, wide, down, right, mirror = shares
    height, width = image.shape[2:]
    side = _LEAST_SIDE + (1.0 - _LEAST_SIDE) * tall
    stretch = _ASPECT ** (2.0 * wide - 1.0)
    rows = max(1, round(side * height))
    columns = max(1, min(width, round(side * stretch * width)))
    top, left = int(down * (height - rows + 1)), int(right * (width - columns + 1))
    part = image[:, :, top : top + rows, left : left + columns]
    whole = F.interpolate(part, (height, width), mode="bilinear", align_corners=False)
    return whole.flip(3) if mirror < 0.5 else whole
