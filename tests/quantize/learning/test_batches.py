"""Batches for learning: every sample once a round, the same from the same seed, changed only where they are images."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from itertools import islice

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from sepia.quantize.learning.batches import batches
from torch import Tensor

Arrays = dict[str, NDArray[np.float32]]


class Numbered:
    """Samples whose values are all their number; counts how many were read."""

    def __init__(self, count: int, shape: tuple[int, ...] = (1, 2)) -> None:
        self.count, self.shape, self.read = count, shape, 0

    def __iter__(self) -> Iterator[Arrays]:
        for number in range(self.count):
            self.read += 1
            yield {"x": np.full(self.shape, number, np.float32)}


def taken(data: Numbered, size: int, count: int, *, seed: int = 0, augment: bool = False) -> list[dict[str, Tensor]]:
    with closing(batches(data, size, seed=seed, augment=augment)) as stream:
        return list(islice(stream, count))


def test_each_round_has_every_sample_once_in_an_order_of_its_own() -> None:
    numbers = [int(value) for batch in taken(Numbered(100), 10, 20) for value in batch["x"][:, 0]]
    assert sorted(numbers[:100]) == list(range(100)) == sorted(numbers[100:])
    assert numbers[:100] != list(range(100))
    assert numbers[:100] != numbers[100:]


def test_batches_run_over_the_end_of_a_round() -> None:
    found = taken(Numbered(3), 4, 3)
    assert [tuple(batch["x"].shape) for batch in found] == [(4, 2)] * 3


def test_the_seed_decides() -> None:
    def values(seed: int) -> Tensor:
        return torch.cat([b["x"] for b in taken(Numbered(50, (1, 3, 8, 8)), 5, 10, seed=seed, augment=True)])

    assert torch.equal(values(3), values(3))
    assert not torch.equal(values(3), values(4))


def test_the_global_generator_is_left_alone() -> None:
    torch.manual_seed(5)
    before = torch.get_rng_state()
    taken(Numbered(10, (1, 3, 8, 8)), 2, 10, augment=True)
    assert torch.equal(torch.get_rng_state(), before)


def test_few_samples_are_read_ahead() -> None:
    data = Numbered(1000)
    taken(data, 1, 1)
    assert data.read < 70


class Ramp:
    """One image, [1, 2, 32, 48]: the row in the first channel, the column in the second."""

    def __iter__(self) -> Iterator[Arrays]:
        image = np.mgrid[:32, :48].astype(np.float32)[None]
        yield {"x": image, "y": image}


def test_images_are_cropped_resized_and_mirrored() -> None:
    sides, mirrors, corners = [], set(), []
    for batch in islice(batches(Ramp(), 1, seed=1, augment=True), 300):
        assert torch.equal(batch["x"], batch["y"])
        rows, columns = batch["x"][0].numpy()
        assert rows.shape == (32, 48)
        # A ramp stays a ramp, but at the edges: bilinear resizing repeats them there.
        down, across = np.diff(rows[2:-2, 0]), np.diff(columns[0, 2:-2])
        assert np.allclose(down, down[0], atol=1e-3) and np.allclose(across, across[0], atol=1e-3)
        assert np.allclose(rows, rows[:, :1]) and np.allclose(columns, columns[:1])
        assert rows.min() > -0.01 and rows.max() < 31.01
        assert columns.min() > -0.01 and columns.max() < 47.01
        mirrors.add(bool(across[0] < 0))
        sides.append((down[0] * 32, abs(across[0]) * 48))
        corners.append((rows.min(), columns.min()))
    tall, wide = np.array(sides).T
    assert mirrors == {False, True}
    assert 15.9 < tall.min() < 18 and 30 < tall.max() < 32.1
    assert wide.max() < 48.1 and 19 < wide.min() < 26
    stretch = (wide / 48) / (tall / 32)
    assert 0.75 < stretch.min() < 0.9 and 1.1 < stretch.max() < 1.3
    assert np.array(corners).min(axis=0).max() == 0
    assert np.array(corners).max(axis=0).min() > 8


@pytest.mark.parametrize("shape", [(1, 2, 40), (1, 2, 4, 8, 8), (1, 9)])
def test_signals_volumes_and_features_stay(shape: tuple[int, ...]) -> None:
    class One:
        def __iter__(self) -> Iterator[Arrays]:
            yield {"x": np.random.default_rng(0).normal(size=shape).astype(np.float32)}

    (exact,) = One()
    for batch in islice(batches(One(), 1, seed=0, augment=True), 5):
        assert np.array_equal(batch["x"].numpy(), exact["x"])
