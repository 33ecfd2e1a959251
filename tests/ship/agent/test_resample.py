"""Against Pillow itself: bit for bit, with NumPy and without."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image
from sepia.ship.agent import resample

FILTERS = {
    "nearest": Image.Resampling.NEAREST,
    "bilinear": Image.Resampling.BILINEAR,
    "bicubic": Image.Resampling.BICUBIC,
}
# Shapes that every Pillow resizes across first.
SIZES = [
    ((40, 30), (20, 15)),
    ((41, 29), (17, 13)),
    ((20, 15), (57, 43)),
    ((64, 48), (64, 24)),
    ((64, 48), (20, 48)),
    ((100, 20), (13, 20)),
    ((1, 1), (5, 7)),
    ((300, 2), (40, 3)),
    ((33, 33), (33, 33)),
]


@pytest.fixture(params=["numpy", "plain"])
def _by(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param == "plain":
        monkeypatch.setattr(resample, "_numpy", lambda: None)


@pytest.mark.usefixtures("_by")
@pytest.mark.parametrize("filter_", FILTERS)
@pytest.mark.parametrize(("size", "to"), SIZES)
def test_as_pillow_does_it(size: tuple[int, int], to: tuple[int, int], filter_: str) -> None:
    plane = np.random.default_rng(sum(size)).integers(0, 256, size[::-1], np.uint8)
    right = np.asarray(Image.fromarray(plane).resize(to, FILTERS[filter_]))
    got = resample.resampled(plane.tobytes(), size, to, filter_, (0, 0, *to))
    assert got == right.tobytes()


@pytest.mark.usefixtures("_by")
@pytest.mark.parametrize("filter_", FILTERS)
def test_a_part_of_the_result(filter_: str) -> None:
    plane = np.random.default_rng(5).integers(0, 256, (50, 70), np.uint8)
    whole = np.asarray(Image.fromarray(plane).resize((35, 25), FILTERS[filter_]))
    got = resample.resampled(plane.tobytes(), (70, 50), (35, 25), filter_, (5, 3, 20, 16))
    assert got == whole[3:19, 5:25].tobytes()


def test_black_and_white_do_not_wrap_around() -> None:
    """A cubic reaches beyond both ends of a pixel's range."""
    plane = np.kron(np.eye(4, dtype=np.uint8), np.full((3, 3), 255, np.uint8))
    right = np.asarray(Image.fromarray(plane).resize((30, 30), FILTERS["bicubic"])).tobytes()
    assert {0, 255} <= set(right)
    assert resample.resampled(plane.tobytes(), (12, 12), (30, 30), "bicubic", (0, 0, 30, 30)) == right


def test_grey_is_pillows() -> None:
    pixels = np.random.default_rng(6).integers(0, 256, (64, 64, 3), np.uint8)
    planes = [pixels[:, :, channel].tobytes() for channel in range(3)]
    assert resample.grey(*planes) == np.asarray(Image.fromarray(pixels).convert("L")).tobytes()
