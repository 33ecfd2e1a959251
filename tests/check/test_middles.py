"""Which codes of a bilinear Resize lie in the middle of two, and what each runtime makes of them."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from sepia.check.cut import find_layers
from sepia.check.difference import compare_codes
from sepia.check.layer_session import LayerSession
from sepia.check.middles import middles
from sepia.check.translate import Translator
from sepia.errors import RuntimeUnavailable
from sepia.graph.load import load_graph
from sepia.runtime import RUNTIMES
from support.qdq_layers import QdqBuilder

GRID = {"scale": 0.0203, "zero_point": 113}


class Resized:
    """A Resize of drawn codes, [1, channels, *size] to [1, channels, *out]."""

    def __init__(
        self, folder: Path, size: tuple[int, int], out: tuple[int, int], map_: str, channels: int = 2, **rest: Any
    ) -> None:
        net = QdqBuilder()
        x = net.input("image", (1, channels, *size), **GRID)
        net.initializers["sizes"] = np.array([1, channels, *out], np.int64)
        settings = {"mode": "linear", "coordinate_transformation_mode": map_} | rest
        y = net.op("layer", "Resize", [x, "", "", "sizes"], **GRID, **settings)
        model = load_graph(net.save(folder / "net.onnx", y))
        (self.layer,) = [layer for layer in find_layers(model) if layer.comparable]
        self.files = Translator(model, self.layer, folder)
        self.codes = np.random.default_rng(0).integers(0, 256, (1, channels, *size)).astype(np.uint8)

    def run(self, name: str) -> NDArray[Any]:
        runtime = RUNTIMES[name]
        try:
            runtime.version()
        except RuntimeUnavailable as error:
            pytest.skip(str(error))
        file = self.files.file(runtime)
        with runtime.open(file) as session:
            found = LayerSession(self.layer, session, file).run({self.layer.reads[0].codes: self.codes})
        return np.asarray(found[self.layer.makes[0].codes])

    def middles(self) -> NDArray[np.bool_]:
        found = middles(self.files.reference(), self.layer)
        assert found is not None
        return found(self.codes)


def exact(codes: NDArray[Any], out: tuple[int, int], mode: str) -> list[list[Fraction]]:
    """One plane, in fractions."""

    def places(size_in: int, size_out: int) -> list[Fraction]:
        scale = Fraction(size_in, size_out)
        found = {
            "half_pixel": [(x + Fraction(1, 2)) * scale - Fraction(1, 2) for x in range(size_out)],
            "asymmetric": [x * scale for x in range(size_out)],
            "align_corners": [Fraction(x * (size_in - 1), max(size_out - 1, 1)) for x in range(size_out)],
        }[mode]
        return [min(max(place, Fraction(0)), Fraction(size_in - 1)) for place in found]

    rows, columns = places(codes.shape[0], out[0]), places(codes.shape[1], out[1])

    def at(y: Fraction, x: Fraction) -> Fraction:
        top, left = int(y), int(x)
        bottom, right = min(top + 1, codes.shape[0] - 1), min(left + 1, codes.shape[1] - 1)
        above = int(codes[top, left]) * (1 - (x - left)) + int(codes[top, right]) * (x - left)
        below = int(codes[bottom, left]) * (1 - (x - left)) + int(codes[bottom, right]) * (x - left)
        return above * (1 - (y - top)) + below * (y - top)

    return [[at(y, x) for x in columns] for y in rows]


@pytest.mark.parametrize("mode", ["half_pixel", "asymmetric", "align_corners"])
@pytest.mark.parametrize(("size", "out"), [((4, 5), (8, 10)), ((5, 3), (9, 9)), ((6, 4), (6, 16)), ((9, 9), (3, 5))])
def test_they_are_the_halves_where_weights_are_short(
    mode: str, size: tuple[int, int], out: tuple[int, int], tmp_path: Path
) -> None:
    resized = Resized(tmp_path, size, out, mode)
    for plane, found in zip(resized.codes[0], resized.middles()[0], strict=True):
        halves = np.array([[value % 1 == Fraction(1, 2) for value in row] for row in exact(plane, out, mode)])
        # All halves are found; others only where 11 bits don't hold a weight (a third, say).
        assert found[halves].all()
        short = all((Fraction(size[i] - (mode == "align_corners"), out[i] - (mode == "align_corners")) * 1024) % 1 == 0
                    for i in range(2))  # fmt: skip
        if short:
            np.testing.assert_array_equal(found, halves)


@pytest.mark.parametrize("runtime", ["litert", "openvino"])
@pytest.mark.parametrize(
    ("size", "out", "mode"),
    [((33, 33), (129, 129), "align_corners"), ((14, 14), (28, 28), "half_pixel"), ((10, 12), (30, 30), "half_pixel")],
)
def test_they_are_all_that_runtimes_differ_in(
    runtime: str, size: tuple[int, int], out: tuple[int, int], mode: str, tmp_path: Path
) -> None:
    resized = Resized(tmp_path, size, out, mode, channels=8)
    middle = resized.middles()
    found = compare_codes(resized.run(runtime), resized.run("onnxruntime"), middle)
    assert found.max_lsb == 1
    assert found.equal < found.codes
    assert found.equal + found.middle == found.codes
    assert middle.mean() < 0.25


def test_xnnpack_rounds_the_exact_value_half_up(tmp_path: Path) -> None:
    """DeepLab's sizes: a quarter of the map in each direction, 19 % of the values halves, each code its."""
    resized = Resized(tmp_path, (33, 33), (129, 129), "align_corners")
    found = resized.run("litert")
    for plane, codes in zip(resized.codes[0], found[0], strict=True):
        values = exact(plane, (129, 129), "align_corners")
        wanted = np.array([[(value + Fraction(1, 2)).__floor__() for value in row] for row in values])
        np.testing.assert_array_equal(codes, wanted)


def test_one_code_off_elsewhere_counts(tmp_path: Path) -> None:
    resized = Resized(tmp_path, (4, 5), (8, 10), "half_pixel")
    wanted, middle = resized.run("onnxruntime"), resized.middles()
    place = tuple(np.argwhere(~middle & (wanted < 255))[0])
    found = wanted.copy()
    found[place] += 1
    difference = compare_codes(found, wanted, middle)
    assert (difference.codes - difference.equal, difference.middle) == (1, 0)


@pytest.mark.parametrize("rest", [{"mode": "nearest"}, {"mode": "cubic"}])
def test_other_resizes_have_none(rest: dict[str, Any], tmp_path: Path) -> None:
    resized = Resized(tmp_path, (4, 5), (8, 10), "half_pixel", **rest)
    assert middles(resized.files.reference(), resized.layer) is None
