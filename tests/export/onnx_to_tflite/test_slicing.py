from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from sepia.errors import UnsupportedOps
from support.tflite_files import Net, gap, left_over, operators, translated

GRID = (0.0213, 117)
Build = Callable[[Net], str]


def cut(*settings: list[int] | int, size: tuple[int, ...] = (1, 8, 7, 6)) -> Build:
    return lambda net: net.op("Slice", [net.input(*size), *(net.constant(np.array(s)) for s in settings)])


def pad(pads: list[int], fill: float | None = None, axes: list[int] | None = None, mode: str = "constant") -> Build:
    def build(net: Net) -> str:
        sources = [net.input(1, 8, 5, 6), net.constant(np.array(pads))]
        sources.append("" if fill is None else net.constant(np.float32(fill)))
        sources += [net.constant(np.array(axes))] if axes else []
        return net.op("Pad", sources if axes or fill is not None else sources[:2], mode=mode)

    return build


def parts(sizes: list[int] | None, axis: int = 1) -> Callable[[Net], list[str]]:
    def build(net: Net) -> list[str]:
        sources = [net.input(1, 8, 5, 6)] + ([net.constant(np.array(sizes))] if sizes else [])
        rest = {} if sizes else {"num_outputs": 2}
        found = net.node("Split", sources, axis=axis, outputs=len(sizes or "12"), **rest)
        assert isinstance(found, list)
        return found

    return build


def joined(axis: int, second: tuple[int, ...]) -> Build:
    return lambda net: net.op("Concat", [net.input(1, 8, 5, 6), net.input(*second, name="y")], axis=axis)


def taken(indices: object, axis: int) -> Build:
    return lambda net: net.op("Gather", [net.input(1, 8, 5, 6), net.constant(np.array(indices))], axis=axis)


CASES: dict[str, Build] = {
    "concat channels": joined(1, (1, 4, 5, 6)),
    "concat columns": joined(-1, (1, 8, 5, 2)),
    "slice": cut([1, 2], [-1, 100], [1, 3]),
    "slice with steps": cut([1, 0], [8, 100], [1, 3], [2, 3]),
    "slice of all axes": cut([0, 1, 2, 3], [1, 3, 4, 5]),
    "pad": pad([0, 1, 2, 0, 0, 2, 0, 1]),
    "pad with 0.5": pad([0, 1, 2, 0, 0, 2, 0, 1], 0.5),
    "pad two axes": pad([1, 2, 3, 4], 0.0, [2, 3]),
    "reflect": pad([0, 0, 2, 1, 0, 0, 1, 1], mode="reflect"),
    "edge": pad([0, 0, 2, 1, 0, 0, 1, 1], mode="edge"),
    "edge of channels": pad([0, 1, 0, 3, 0, 0, 0, 0], mode="edge"),
    "wrap": pad([0, 0, 2, 1, 0, 0, 1, 0], mode="wrap"),
    "wrap more than once": pad([0, 0, 7, 0, 0, 0, 0, 13], mode="wrap"),
    "gather": taken([2, -1, 0], 1),
    "gather one": taken(2, 2),
    "equal parts": lambda net: parts(None)(net)[1],
    "unequal parts": lambda net: parts([3, 5])(net)[1],
    "parts of rows": lambda net: parts([2, 3], axis=2)(net)[0],
}


@pytest.mark.parametrize("case", CASES)
def test_float(case: str, tmp_path: Path) -> None:
    net = Net()
    assert gap(net, tmp_path, CASES[case](net)).relative == 0


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("delegate", [True, False])
def test_int8_moves_codes_and_changes_none(case: str, delegate: bool, tmp_path: Path) -> None:
    net = Net(grid=GRID)
    assert gap(net, tmp_path, CASES[case](net), delegate=delegate).lsb.max() == 0


@pytest.mark.parametrize(
    ("case", "op"),
    [
        ("concat channels", "CONCATENATION"),
        ("slice", "SLICE"),
        ("slice with steps", "STRIDED_SLICE"),
        ("pad", "PAD"),
        ("pad with 0.5", "PADV2"),
        ("reflect", "MIRROR_PAD"),
        ("gather", "GATHER"),
        ("equal parts", "SPLIT"),
        ("parts of rows", "SLICE"),
    ],
)
def test_operators(case: str, op: str, tmp_path: Path) -> None:
    net = Net()
    assert operators(net, tmp_path, CASES[case](net)) == [op]


@pytest.mark.parametrize("sizes", [None, [3, 5]])
def test_xnnpack_takes_every_split(sizes: list[int] | None, tmp_path: Path) -> None:
    net = Net(grid=GRID)
    assert left_over(translated(net.save(tmp_path, *parts(sizes)(net)))) == []


def test_every_part_is_right(tmp_path: Path) -> None:
    net = Net()
    assert gap(net, tmp_path, *parts([1, 3, 4])(net)).relative == 0


def test_concat_brings_its_inputs_onto_one_grid(tmp_path: Path) -> None:
    """LiteRT's kernel copies codes whatever the scales say."""
    net = Net(grid=GRID)
    y = net.op("Concat", [net.input(1, 8, 5, 6), net.input(1, 4, 5, 6, name="y", grid=(0.0311, 99))], axis=1)
    ops = operators(net, tmp_path, y)
    assert ops == ["QUANTIZE", "QUANTIZE", "DEQUANTIZE", "QUANTIZE", "CONCATENATION", "DEQUANTIZE"]
    for delegate in (True, False):
        assert gap(net, tmp_path, y, delegate=delegate).lsb.max() == 0


def test_a_split_between_grids_runs_in_float(tmp_path: Path) -> None:
    net = Net(grid=GRID)
    first, second = net.node("Split", [net.input(1, 8, 5, 6)], axis=1, outputs=2, num_outputs=2, grid=(0.03, 99))
    assert "SPLIT" in operators(net, tmp_path, first, second)
    assert gap(net, tmp_path, first, second).lsb.max() <= 1


@pytest.mark.parametrize(
    ("build", "reason"),
    [
        (cut([6], [0], [2], [-1]), "steps above 0"),
        (pad([0, 0, -1, 0, 0, 0, 0, 0]), "pads of 0 or more"),
        (taken([[0, 1], [2, 3]], 1), "indices of rank 0 or 1"),
    ],
)
def test_refusals(build: Build, reason: str, tmp_path: Path) -> None:
    net = Net()
    with pytest.raises(UnsupportedOps, match=reason):
        translated(net.save(tmp_path, build(net)))


@pytest.mark.parametrize("mode", ["edge", "wrap"])
def test_a_border_that_is_continued_is_one_concatenation_an_axis(mode: str, tmp_path: Path) -> None:
    net = Net()
    found = operators(net, tmp_path, pad([0, 0, 2, 1, 0, 0, 2, 1], mode=mode)(net))
    assert found == ["SLICE", "SLICE", "CONCATENATION"] * 2


def test_a_batch_that_is_left_open_is_not_padded(tmp_path: Path) -> None:
    net = Net()
    y = net.op("Pad", [net.input("batch", 8, 5, 6), net.constant(np.array([1, 0, 0, 0, 0, 0, 0, 0]))], mode="edge")
    with pytest.raises(UnsupportedOps, match="length is known"):
        translated(net.save(tmp_path, y))
