"""Grids and weights that must fit one another."""

from __future__ import annotations

import numpy as np
import pytest
from sepia.graph.kinds import Kind
from sepia.quantize.grouping import Group
from sepia.quantize.layer import Layer
from sepia.quantize.ranges.group_range import GroupRange, group_range
from sepia.quantize.rounding.round_layers import round_layers
from sepia.quantize.rounding.weights import accumulator_scale, headroom

_FREE = (-np.inf, np.inf)


def group(name: str, *, bounds: tuple[float, float] = _FREE) -> Group:
    return Group((name,), (name,), {name: bounds})


def layer(source: str, output: str, *, weight: float = 1.0) -> Layer:
    weights = np.full((2, 3), weight, np.float32)
    return Layer(f"{source} to {output}", Kind.FULLY_CONNECTED, source, output, weights, np.zeros(2, np.float32))


def test_a_narrow_output_is_widened_until_kernels_take_its_multiplier() -> None:
    groups, layers = [group("x"), group("y"), group("z")], [layer("x", "y", weight=1e4), layer("y", "z")]
    ranges = [GroupRange(0.0, 1e5), GroupRange(0.0, 1e-3), GroupRange(-1.0, 1.0)]
    fitted = round_layers(groups, layers, ranges, {}, activations="uint8", limit=127)
    grids, rounded = fitted.grids, fitted.rounded
    for one in layers:
        ratios = accumulator_scale(rounded[one.name], float(grids[one.source].scale[0])) / grids[one.output].scale
        assert (ratios < 256).all()
        assert (headroom(rounded[one.name], float(grids[one.source].scale[0])) >= 0).all()
    assert grids["x"].scale == np.float32(1e5 / 255)
    assert grids["y"].zero_point == 0
    assert ranges[1] == GroupRange(0.0, 1e-3)


def test_ranges_that_fit_are_left_alone() -> None:
    ranges = [GroupRange(-1.0, 3.0), GroupRange(0.0, 6.0)]
    grids = round_layers([group("x"), group("y")], [layer("x", "y")], ranges, {}, activations="int8", limit=127).grids
    assert grids["x"].scale == np.float32(4 / 255)
    assert (grids["y"].scale, grids["y"].zero_point) == (np.float32(6 / 255), -128)


def test_biases_are_corrected_only_where_means_are_known() -> None:
    one = layer("x", "y", weight=0.7)
    one = Layer(one.name, one.kind, "x", "y", one.weight * np.float32([[1, 0.503, 0.25]]), one.bias)
    groups, ranges = [group("x"), group("y")], [GroupRange(0.0, 1.0), GroupRange(0.0, 2.0)]
    plain = round_layers(groups, [one], ranges, {}, activations="uint8", limit=127).rounded
    means = {one.name: np.array([[0.1], [0.9], [0.4]])}
    corrected = round_layers(groups, [one], ranges, means, activations="uint8", limit=127).rounded
    assert not plain[one.name].bias.any()
    expected = (one.weight.astype(np.float64) - plain[one.name].weight) @ means[one.name][:, 0]
    np.testing.assert_allclose(corrected[one.name].bias, expected, rtol=1e-5)
    assert np.abs(expected).min() > 0


@pytest.mark.parametrize(
    ("bounds", "seen", "expected"),
    [
        (_FREE, (-2.0, 3.0), (-2.0, 3.0)),
        ((0.0, 6.0), (-0.1, 7.0), (0.0, 6.0)),
        ((0.0, 6.0), (1.0, 5.0), (1.0, 5.0)),
    ],
)
def test_a_groups_range_keeps_inside_its_bounds(
    bounds: tuple[float, float], seen: tuple[float, float], expected: tuple[float, float]
) -> None:
    from sepia.quantize.calibration.observed import Observed

    observed = Observed(histogram=False)
    observed.add(np.array(seen, np.float32))
    found = group_range(group("x", bounds=bounds), {"x": observed}, lambda o: (o.minimum, o.maximum))
    assert (found.low, found.high) == pytest.approx(expected)
    assert found.otherwise == (6.0 if bounds[1] == 6.0 else 1.0)


def test_a_group_holds_all_of_its_sources_and_constants() -> None:
    from sepia.quantize.calibration.observed import Observed

    observed = {}
    for name, values in {"a": (0.0, 3.0), "b": (-1.0, 0.5)}.items():
        observed[name] = Observed(histogram=False)
        observed[name].add(np.array(values, np.float32))
    both = Group(("a", "b", "c"), ("a", "b"), {"a": _FREE, "b": _FREE}, constants=(-5.0,))
    found = group_range(both, observed, lambda o: (o.minimum, o.maximum))
    assert (found.low, found.high) == (-5.0, 3.0)
