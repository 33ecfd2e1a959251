"""What a runtime's coarser rounding explains is counted where it happens, and nowhere else."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from fuzz.draft import Drawn
from fuzz.engines import run_engines
from fuzz.judge import compare
from fuzz.looseness import LOOSENESS
from fuzz.reference import evaluate
from fuzz.written import written


def beyond(drawn: Drawn, engine: str, folder: Path) -> tuple[list[str], list[str]]:
    """What a runtime's outputs show beyond what rounding as float32 does explains, and beyond its own looseness."""
    outcome = run_engines(drawn, folder, (engine,))[engine]
    assert outcome.failure == ""
    assert outcome.refusals == ()
    references = [evaluate(drawn.model, drawn.feeds, loose) for loose in (None, LOOSENESS[engine])]
    one, other = ([d.what for d in compare(drawn, outcome, reference) if d.what] for reference in references)
    return one, other


CODES = ", ".join(str(place * 37 % 255 - 127) for place in range(8 * 8))
PAIRS = "x_q = QuantizeLinear(x, s, n) x_dq = DequantizeLinear(x_q, s, n) w = DequantizeLinear<axis = 1>(w_codes, v, m)"
LAYER = (
    "<float s = {0.03}, int8 n = {0}, float t = {0.02}, int8 z = {-30}, int8[8] m = {0, 0, 0, 0, 0, 0, 0, 0},"
    "float[8] v = {0.01, 0.001, 0.02, 0.009, 0.003, 0.004, 0.007, 0.011}, int64[1] last = {-1}, int64[1] first = {0},"
    f"int64[1] four = {{4}}, int8[8, 8] w_codes = {{{CODES}}}, int64[8] around = {{0, 0, 0, 1, 0, 0, 2, 0}}>"
)
BEHIND = {
    "Flatten": ("240, 8", "y = Flatten<axis = 3>(p)"),
    "Transpose": ("8, 6, 1, 40", "y = Transpose<perm = [3, 1, 0, 2]>(p)"),
    "Slice": ("1, 6, 40, 4", "y = Slice(p, first, four, last)"),
    "Pad": ("1, 6, 42, 9", "y = Pad(p, around)"),
    "MaxPool": ("1, 6, 40, 8", "y = MaxPool<kernel_shape = [3, 2], pads = [1, 0, 1, 1]>(p)"),
    "Relu and Squeeze": ("6, 40, 8", "r = Relu(p) y = Squeeze(r, first)"),
    "Split and Concat": ("1, 6, 80, 4", "a, b = Split<axis = 3, num_outputs = 2>(p) y = Concat<axis = 2>(b, a)"),
}


@pytest.mark.parametrize(("shape", "moves"), BEHIND.values(), ids=BEHIND)
def test_what_a_layer_loses_moves_along_to_its_pair(shape: str, moves: str, tmp_path: Path) -> None:
    drawn = written(
        f"g (float[1, 6, 40, 8] x) => (float[{shape}] y_dq) {LAYER}"
        f"{{ {PAIRS} p = MatMul(x_dq, w) {moves} y_q = QuantizeLinear(y, t, z) y_dq = DequantizeLinear(y_q, t, z) }}"
    )
    plain, loose = beyond(drawn, "litert builtin", tmp_path)
    assert plain != [], "rounds twice"
    assert loose == []


def test_xnnpack_resizes_with_shares_of_11_bits(tmp_path: Path) -> None:
    drawn = written(
        "g (float[1, 64, 5, 5] x) => (float[1, 64, 7, 7] y_dq) <float s = {0.02}, int8 z = {3},"
        "int64[4] sizes = {1, 64, 7, 7}> { x_q = QuantizeLinear(x, s, z) x_dq = DequantizeLinear(x_q, s, z)"
        'y = Resize<mode = "linear", coordinate_transformation_mode = "asymmetric">(x_dq, , , sizes)'
        "y_q = QuantizeLinear(y, s, z) y_dq = DequantizeLinear(y_q, s, z) }"
    )
    plain, loose = beyond(drawn, "litert xnnpack", tmp_path)
    assert plain != []
    assert loose == []


def leaky(alpha: float) -> Drawn:
    """Factors of 3 / 7 and of alpha as much."""
    return written(
        "g (float[1, 64, 64] x) => (float[1, 64, 64] y_dq) <float s = {0.03}, float t = {0.07}, int8 z = {-20}>"
        "{ x_q = QuantizeLinear(x, s, z) x_dq = DequantizeLinear(x_q, s, z)"
        f"y = LeakyRelu<alpha = {alpha}>(x_dq) y_q = QuantizeLinear(y, t, z) y_dq = DequantizeLinear(y_q, t, z) }}"
    )


@pytest.mark.parametrize("engine", ["litert builtin", "litert xnnpack"])
def test_a_move_carries_codes_to_a_kernel_that_rounds_coarsely(engine: str, tmp_path: Path) -> None:
    drawn = written(
        "g (float[64, 256] x) => (float[256, 64] y_dq) <float s = {0.03}, float t = {0.007}, int8 z = {-20}>"
        "{ x_q = QuantizeLinear(x, s, z) x_dq = DequantizeLinear(x_q, s, z) m = Transpose<perm = [1, 0]>(x_dq)"
        "y = LeakyRelu<alpha = 0.1>(m) y_q = QuantizeLinear(y, t, z) y_dq = DequantizeLinear(y_q, t, z) }"
    )
    plain, loose = beyond(drawn, engine, tmp_path)
    assert plain != []
    assert loose == []


def test_xnnpack_leaves_small_slopes_to_the_built_in_kernel(tmp_path: Path) -> None:
    plain, loose = beyond(leaky(0.009), "litert xnnpack", tmp_path)
    assert plain != []
    assert loose == []
    left, taken = (
        evaluate(drawn.model, drawn.feeds, LOOSENESS["litert xnnpack"]).values["y_dq"]
        for drawn in (leaky(0.009), leaky(0.01))
    )
    builtin = evaluate(leaky(0.009).model, leaky(0.009).feeds, LOOSENESS["litert builtin"]).values["y_dq"]
    assert np.array_equal(left.low, builtin.low)
    assert (taken.radius > 0).sum() < (left.radius > 0).sum()


@pytest.mark.parametrize("engine", ["litert builtin", "litert xnnpack"])
def test_a_resize_that_rounds_nothing_has_no_looseness(engine: str) -> None:
    drawn = written(
        "g (float[1, 4, 5, 5] x) => (float[1, 4, 7, 7] y_dq, float[1, 4, 7, 7] v_dq) <float s = {0.02}, int8 z = {3},"
        "float t = {0.03}, int64[4] sizes = {1, 4, 7, 7}> {"
        "x_q = QuantizeLinear(x, s, z) x_dq = DequantizeLinear(x_q, s, z)"
        'y = Resize<mode = "nearest", coordinate_transformation_mode = "asymmetric">(x_dq, , , sizes)'
        "y_q = QuantizeLinear(y, s, z) y_dq = DequantizeLinear(y_q, s, z)"
        'v = Resize<mode = "linear", coordinate_transformation_mode = "asymmetric">(x_dq, , , sizes)'
        "v_q = QuantizeLinear(v, t, z) v_dq = DequantizeLinear(v_q, t, z) }"
    )
    found = evaluate(drawn.model, drawn.feeds, LOOSENESS[engine])
    exact = evaluate(drawn.model, drawn.feeds)
    for name in ("y_dq", "v_dq"):
        assert np.array_equal(found.values[name].low, exact.values[name].low)
        assert np.array_equal(found.values[name].high, exact.values[name].high)


def fine(act: str, scale: float) -> Drawn:
    """Zeros, and numbers of another scale, onto a grid of `scale`."""
    return written(
        "g (float[1, 64] x) => (float[1, 64] y_dq) <float s = {0.0523}, uint8 z = {119}, float r = {0.00395848},"
        f"uint8 top = {{255}}, float t = {{{scale:.12f}}}, uint8 m = {{128}}> {{ x_q = QuantizeLinear(x, s, z)"
        "x_dq = DequantizeLinear(x_q, s, z) g = Sigmoid(x_dq) g_q = QuantizeLinear(g, r, top)"
        f"g_dq = DequantizeLinear(g_q, r, top) y = {act}(g_dq, x_dq) y_q = QuantizeLinear(y, t, m)"
        "y_dq = DequantizeLinear(y_q, t, m) }",
        spread=1.0 if act == "Mul" else 0.0,
    )


@pytest.mark.parametrize("act", ["Add", "Sub", "Mul"])
def test_openvino_rounds_the_zero_points_part_where_it_is_worth_codes(act: str, tmp_path: Path) -> None:
    plain, loose = beyond(fine(act, 2e-9), "openvino", tmp_path)
    assert plain != [], "0 is a rounding error"
    assert loose == []
    exact, coarse = (
        evaluate(fine(act, 0.004).model, fine(act, 0.004).feeds, loose) for loose in (None, LOOSENESS["openvino"])
    )
    assert np.array_equal(coarse.values["y_dq"].low, exact.values["y_dq"].low)
    assert np.array_equal(coarse.values["y_dq"].high, exact.values["y_dq"].high)


def test_sums_on_a_grid_far_finer_than_what_is_added(tmp_path: Path) -> None:
    drawn = written(
        "g (float[1, 6, 1, 4] x) => (float[1, 6, 1, 4] y_dq) <float s = {0.03613}, uint8 z = {255}, float t = {8.4e-8},"
        "uint8 u = {0}> { x_q = QuantizeLinear(x, s, z) x_dq = DequantizeLinear(x_q, s, z) y = Add(x_dq, x_dq)"
        "y_q = QuantizeLinear(y, t, u) y_dq = DequantizeLinear(y_q, t, u) }"
    )
    plain, loose = beyond(drawn, "onnxruntime", tmp_path)
    assert plain != [], "each zero point is taken off as a number of its own"
    assert loose == []
