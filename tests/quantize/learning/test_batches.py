"""Batches for learning: every sample once a round, the same from the same seed, moved only where they are images."""

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
    """One image, [1, 2, 32, 48]: 1000 · row + column, the second channel the same."""

    def __init__(self, shape: tuple[int, ...] = (1, 2, 32, 48)) -> None:
        rows, columns = np.mgrid[: shape[-2], : shape[-1]]
        self.image = np.broadcast_to((1000 * rows + columns).astype(np.float32), shape).copy()

    def __iter__(self) -> Iterator[Arrays]:
        yield {"x": self.image, "y": self.image}


def test_images_are_mirrored_and_shifted_and_repeat_their_edge() -> None:
    ramp = Ramp()
    seen = set()
    for batch in islice(batches(ramp, 1, seed=1, augment=True), 200):
        image = batch["x"][0].numpy()
        assert torch.equal(batch["x"], batch["y"])
        assert np.array_equal(image[0], image[1])
        rows, columns = image[0] // 1000, image[0] % 1000
        mirrored = columns[0, 0] > columns[0, -1]
        down = int(np.argmax(rows[:, 0] > 0)) - 1 if rows[0, 0] == 0 else -int(rows[0, 0])
        expected_rows = np.clip(np.arange(32) - down, 0, 31)
        assert np.array_equal(rows[:, 7], expected_rows)
        line = columns[5][::-1] if mirrored else columns[5]
        right = int(np.argmax(line > 0)) - 1 if line[0] == 0 else -int(line[0])
        assert np.array_equal(line, np.clip(np.arange(48) - right, 0, 47))
        assert abs(down) <= 2 and abs(right) <= 3
        seen.add((bool(mirrored), down, right))
    assert {mirrored for mirrored, *_ in seen} == {False, True}
    assert {down for _, down, _ in seen} == {-2, -1, 0, 1, 2}
    assert {right for *_, right in seen} == {-3, -2, -1, 0, 1, 2, 3}


@pytest.mark.parametrize("shape", [(1, 2, 40), (1, 2, 4, 8, 8), (1, 9)])
def test_signals_volumes_and_features_are_not_moved(shape: tuple[int, ...]) -> None:
    class One:
        def __iter__(self) -> Iterator[Arrays]:
            yield {"x": np.random.default_rng(0).normal(size=shape).astype(np.float32)}

    (exact,) = One()
    for batch in islice(batches(One(), 1, seed=0, augment=True), 5):
        assert np.array_equal(batch["x"].numpy(), exact["x"])
