"""Each fault that the table names is still there, on the smallest graph: one that is gone has its row taken out."""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pytest
from support.openvino_nets import pair

from fuzz.apart import run_apart
from fuzz.draft import Drawn
from fuzz.engines import ENGINES, run_engines
from fuzz.exceptions import EXCEPTIONS, SATURATES, Known, exception_table, excuse
from fuzz.judge import compare
from fuzz.looseness import LOOSENESS
from fuzz.moved_codes import CRASHES
from fuzz.reference import evaluate
from fuzz.verdict import judged
from fuzz.written import written

GRIDS = "<float s = {0.02}, int8 z = {30}, float t = {0.013}, int8 u = {-20}, int64[6] pads = {0, 0, 0, 0, 0, 1}>"

NOISE = ", ".join(f"{value:.6f}" for value in np.random.default_rng(3).normal(0, 0.7, 16))
CODES = ", ".join(str(place * 37 % 255 - 127) for place in range(12))
WEIGHTS = f"float v = {{0.003}}, int8 n = {{0}}, int8[4, 1, 1, 3] w_codes = {{{CODES}}}"

SHOWN: dict[tuple[str, str], Callable[[], Drawn]] = {
    ("onnxruntime", "SAME with dilations"): lambda: written(
        "g (float[1, 1, 9] x, float[1, 1, 3] w) => (float[1, 1, 9] y)"
        '{ y = Conv<auto_pad = "SAME_UPPER", dilations = [2]>(x, w) }'
    ),
    ("onnxruntime", "SAME pools that skip"): lambda: written(
        "g (float[1, 1, 9] x) => (float[1, 1, 3] y)"
        '{ y = MaxPool<auto_pad = "SAME_UPPER", kernel_shape = [1], strides = [3]>(x) }'
    ),
    ("onnxruntime", "float weights become codes"): lambda: written(
        f"g (float[1, 2, 16] x) => (float[1, 8, 16] y_dq) {GRIDS[:-1]}, float r = {{0.003}}, int8 b = {{-128}},"
        f"float[8, 2, 1] w = {{{NOISE}}}> {{ {pair('x')} y = Conv(x_dq, w) {pair('y', 'r', 'b')} }}"
    ),
    ("onnxruntime", "two pairs become one"): lambda: written(
        f"g (float[1, 64] x) => (float[1, 64] y_dq) {GRIDS}{{ {pair('x')} y = Identity(x_dq) {pair('y', 't', 'u')} }}"
    ),
    ("onnxruntime", "float biases beyond int32"): lambda: written(
        "g (float[1, 1, 9] x) => (float[1, 1, 9] y_dq) <float s = {0.00001}, float t = {0.01}, int8 z = {3},"
        "int8 n = {0}, int8[1, 1, 1] w_codes = {100}, float v = {0.00001}, float[1] b = {0.5}>"
        f"{{ {pair('x')} w = DequantizeLinear(w_codes, v, n) y = Conv(x_dq, w, b) {pair('y', 't')} }}",
        spread=1e-4,
    ),
    ("openvino", "bounds of a Clip on codes"): lambda: written(
        f"g (float[1, 64] x) => (float[1, 64] y_dq) {GRIDS[:-1]}, float low = {{-0.75}}, float high = {{0.31}}>"
        f"{{ {pair('x')} y = Clip(x_dq, low, high) {pair('y', 't', 'u')} }}"
    ),
    ("openvino", "a Clip beyond its grid"): lambda: written(
        f"g (float[1, 2, 1, 6] x) => (float[1, 4, 1, 4] y_dq) {GRIDS[:-1]}, {WEIGHTS}, float low = {{0.2}},"
        f"float high = {{3}}, float r = {{0.0005}}> {{ {pair('x')} w = DequantizeLinear(w_codes, v, n)"
        f"c = Conv<group = 2>(x_dq, w) y = Clip(c, low, high) {pair('y', 'r', 'n')} }}"
    ),
    ("openvino", "a maximum that is quantised"): lambda: written(
        "g (float[1, 3, 7, 9] x) => (float[1, 1, 7, 9] y_dq) <float s = {0.004}, int8 z = {-128}, int64[1] a = {1}>"
        f"{{ g = Sigmoid(x) y = ReduceMax(g, a) {pair('y')} }}",
        opset=18,
    ),
    ("openvino", "matrix products of depth 1"): lambda: written(
        "g (float[2, 1] x) => (float[2, 1] y) <float[1, 1] w = {2}, float[1, 1] v = {3}>"
        "{ k = Gemm(x, w) y = Gemm(k, v) }"
    ),
    ("openvino", "strides of padded 1×1 layers"): lambda: written(
        "g (float[1, 2, 7] x, float[3, 2, 1] w) => (float[1, 3, 5] y)"
        "{ r = Relu(x) y = Conv<pads = [1, 2], strides = [2]>(r, w) }"
    ),
    ("openvino", "biases between windows"): lambda: written(
        "g (float[1, 1, 3] x) => (float[1, 2, 5] y_dq) <float s = {0.02}, int8 z = {0}, float[2] v = {0.01, 0.03},"
        "int8[2] n = {0, 0}, int8[1, 2, 1] w_codes = {90, 100}, float[2] u = {0.0002, 0.0006}, int32[2] m = {0, 0},"
        f"int32[2] b_codes = {{2000, 1500}}> {{ {pair('x')} w = DequantizeLinear<axis = 1>(w_codes, v, n)"
        f"b = DequantizeLinear<axis = 0>(b_codes, u, m) y = ConvTranspose<strides = [2]>(x_dq, w, b) {pair('y')} }}"
    ),
    ("openvino", "means behind their pads"): lambda: written(
        "g (float[1, 1, 6] x) => (float[1, 1, 4] y) { y = AveragePool<ceil_mode = 1, count_include_pad = 1,"
        "kernel_shape = [3], pads = [1, 1], strides = [2]>(x) }"
    ),
    ("openvino", "scales of multiplied channels"): lambda: written(
        "g (float[1, 3, 5] x) => (float[1, 6, 4] y) <float s = {0.02}, int8 z = {0}, float v = {0.003}, int8 n = {0},"
        f"int8[6, 1, 2] w_codes = {{{CODES}}}, float low = {{0.2}}, float high = {{3}}>"
        f"{{ {pair('x')} w = DequantizeLinear(w_codes, v, n) c = Conv<group = 3>(x_dq, w) y = Clip(c, low, high) }}"
    ),
    ("openvino", "a maximum beside a layer"): lambda: written(
        f"g (float[1, 2, 7, 6] x) => (float[1, 1, 7, 6] y_dq, float[1, 2, 7, 6] k) {GRIDS[:-1]}, float v = {{0.01}},"
        "int8 n = {0}, int8[2, 1, 1, 1] w_codes = {1, 2}, int64[1] a = {1}>"
        f"{{ {pair('x')} w = DequantizeLinear(w_codes, v, n) k = Conv<group = 2>(x_dq, w) y = ReduceMax(x_dq, a)"
        f"{pair('y')} }}",
        opset=18,
    ),
    ("openvino", "a Pad's number as a code"): lambda: written(
        f"g (float[1, 4, 6] x) => (float[1, 4, 7] y_dq) {GRIDS[:-1]}, int8 n = {{0}}, float fill = {{1.505}}>"
        f"{{ {pair('x', 's', 'n')} y = Pad(x_dq, pads, fill) {pair('y', 's', 'n')} }}"
    ),
    ("openvino", "factors of places"): lambda: written(
        "g (float[1, 2, 3] x, float[1, 2, 3] w) => (float[1, 1, 3] y) <float[3] c = {1, 2, 3}>"
        "{ m = Mul(x, c) y = Conv<pads = [1, 1]>(m, w) }"
    ),
    ("openvino", "windows around the image"): lambda: written(
        f"g (float[1, 1, 4, 1] x) => (float[1, 2, 6, 1] y) {GRIDS[:-1]}, float v = {{0.003}}, int8 n = {{0}},"
        f"int8[2, 1, 1, 2] w_codes = {{-127, -90, 33, 12}}> {{ {pair('x')} w = DequantizeLinear(w_codes, v, n)"
        "y = Conv<pads = [1, 1, 1, 1], dilations = [1, 2]>(x_dq, w) }"
    ),
    ("openvino", "sums of two taps"): lambda: written(
        f"g (float[1, 2, 1, 9] x) => (float[1, 4, 1, 7] y) {GRIDS[:-1]}, float v = {{0.003}}, int8 n = {{0}},"
        f"int8[4, 1, 1, 3] w_codes = {{{', '.join(['-127, -120, 90'] * 4)}}}>"
        f"{{ {pair('x')} w = DequantizeLinear(w_codes, v, n) y = Conv<group = 2>(x_dq, w) }}",
        spread=3.0,
    ),
    ("openvino", "grids that are almost alike"): lambda: written(
        "g (float[1, 64] x) => (float[1, 64] y_dq) <float s = {0.02}, uint8 z = {0}, float t = {0.02006}>"
        f"{{ {pair('x')} y = Relu(x_dq) {pair('y', 't')} }}",
        spread=2.0,
    ),
    ("openvino", "means without a pair"): lambda: written(
        f"g (float[1, 1, 4] x) => (float[1, 1, 3] y) {GRIDS} {{ {pair('x')}"
        "m = AveragePool<kernel_shape = [2]>(x_dq) y = Mul(m, m) }"
    ),
    ("openvino", "zero points of transposed weights"): lambda: written(
        "g (float[1, 2, 4] x) => (float[1, 2, 4] y) <float s = {0.02}, uint8 z = {0}, float v = {0.003},"
        f"uint8 n = {{121}}, uint8[2, 2, 1] w_codes = {{100, 200, 20, 99}}> {{ {pair('x')}"
        "w = DequantizeLinear(w_codes, v, n) y = ConvTranspose(x_dq, w) }"
    ),
    ("openvino", "pairs behind a Concat"): lambda: written(
        "g (float[2, 4] x) => (float[2, 8] y_dq) <float s = {0.02}, uint8 z = {107}>"
        f"{{ {pair('x')} c = Concat<axis = 1>(x_dq, x_dq) {pair('c')} y = Identity(c_dq) {pair('y')} }}"
    ),
    ("onnxruntime", "int8 that is moved"): lambda: written(
        f"g (float[1, 4] x) => (float[4, 1] y) {GRIDS} {{ {pair('x')} y = Transpose<perm = [1, 0]>(x_dq) }}", opset=21
    ),
    ("onnxruntime", "float sums become biases"): lambda: written(
        "g (float[2, 3] x) => (float[2, 4] y_dq) <float s = {0.02}, int8 z = {0}, float t = {0.0001}, float v = {0.02},"
        f"int8[3, 4] w_codes = {{{CODES}}}, float[4] b = {{0.00013, 0.00015, -0.00017, 0.00011}}>"
        f"{{ {pair('x')} w = DequantizeLinear(w_codes, v, z) m = MatMul(x_dq, w) y = Add(m, b) {pair('y', 't')} }}",
        spread=0.02,
    ),
    ("onnxruntime", "a moved Softmax"): lambda: written(
        "g (float[4, 16] x) => (float[16, 4] y_dq) <float s = {0.02}, int8 z = {30}, float r = {0.003},"
        f"int8 b = {{-128}}> {{ {pair('x')} t = Transpose<perm = [1, 0]>(x_dq) y = Softmax<axis = 1>(t)"
        f"{pair('y', 'r', 'b')} }}"
    ),
    ("onnxruntime", "means that count beyond their pads"): lambda: written(
        f"g (float[1, 1, 4] x) => (float[1, 1, 2] y_dq) {GRIDS} {{ {pair('x')}"
        f"y = AveragePool<kernel_shape = [3], strides = [2], ceil_mode = 1, count_include_pad = 1>(x_dq) {pair('y')} }}"
    ),
    ("onnxruntime", "outputs before a Transpose"): lambda: written(
        f"g (float[3, 4] x) => (float[3, 4] t_out, float[4, 3] y_dq) {GRIDS}"
        f"{{ t_out = Tanh(x) y = Transpose<perm = [1, 0]>(t_out) {pair('y')} }}"
    ),
    ("onnxruntime", "factors of a mean"): lambda: written(
        "g (float[1, 1, 4] x) => (float[1, 1, 1] y_dq) <float s = {15}, int8 z = {30}, float t = {0.013}>"
        f"{{ {pair('x')} y = GlobalAveragePool(x_dq) {pair('y', 't')} }}",
        spread=15.0,
    ),
    ("onnxruntime", "a pool's last window"): lambda: written(
        "g (float[1, 1, 9] x) => (float[1, 1, 1] a, float[1, 1, 1] b, float[1, 1, 1] c) <int64[3] one = {1, 1, 1}>"
        "{ y = MaxPool<kernel_shape = [1], strides = [3], ceil_mode = 1>(x) a, b, c = Split<axis = 2>(y, one) }",
        opset=18,
    ),
    ("openvino", "a Pad before strides"): lambda: written(
        "g (float[1, 1, 5] x, float[1, 1, 4] w) => (float[1, 1, 14] y) <int64[6] around = {0, 0, 1, 0, 0, 1}>"
        "{ p = Pad(x, around) y = ConvTranspose<pads = [1, 1], strides = [2]>(p, w) }"
    ),
    ("onnx", "a pool's last window"): lambda: written(
        "g (float[1, 1, 4] x) => (float[1, 1, 2] y)"
        "{ y = AveragePool<kernel_shape = [1], strides = [2], ceil_mode = 1>(x) }",
        opset=18,
    ),
    ("openvino", "a pool's last window"): lambda: written(
        "g (float[1, 1, 9] x) => (float[1, 1, 3] y){ y = MaxPool<kernel_shape = [1], strides = [3], ceil_mode = 1>(x) }"
    ),
}


def shown(known: Known) -> Drawn:
    return SHOWN[known.distribution, known.name]()


@pytest.mark.parametrize("known", EXCEPTIONS, ids=lambda known: known.name)
def test_the_fault_is_still_there(known: Known, tmp_path: Path) -> None:
    drawn = shown(known)
    for engine in known.engines:
        apart = known in CRASHES
        outcome = run_apart(drawn, tmp_path, engine) if apart else run_engines(drawn, tmp_path, (engine,))[engine]
        wrong = outcome.failure or any(
            difference.what
            for difference in compare(drawn, outcome, evaluate(drawn.model, drawn.feeds, LOOSENESS.get(engine)))
        )
        assert wrong, f"{known.distribution} {version(known.distribution)} has mended '{known.name}': take out its row"
        assert excuse(drawn, engine) == known.name


@pytest.mark.parametrize("known", EXCEPTIONS, ids=lambda known: known.name)
def test_no_runtime_has_it_that_is_not_named(known: Known, tmp_path: Path) -> None:
    drawn = shown(known)
    engines = tuple(engine for engine in ENGINES if known not in CRASHES or engine not in known.engines)
    for engine, outcome in run_engines(drawn, tmp_path, engines).items():
        if outcome.refusals or excuse(drawn, engine):
            continue
        assert outcome.failure == ""
        reference = evaluate(drawn.model, drawn.feeds, LOOSENESS.get(engine))
        assert [difference.what for difference in compare(drawn, outcome, reference) if difference.what] == [], engine


def test_every_fault_is_shown_and_documented() -> None:
    assert {(known.distribution, known.name) for known in EXCEPTIONS} == set(SHOWN)
    assert [row["fault"] for row in exception_table()] == [known.name for known in EXCEPTIONS]


def test_an_exception_excuses_nothing_else() -> None:
    plain = written("g (float[1, 1, 9] x, float[1, 1, 3] w) => (float[1, 1, 7] y) { y = Conv(x, w) }")
    assert {excuse(plain, engine) for known in EXCEPTIONS for engine in known.engines} == {""}


def test_a_processor_that_saturates_excuses_sums_of_codes_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    sums = SHOWN["onnxruntime", "float weights become codes"]()
    moved = SHOWN["openvino", "bounds of a Clip on codes"]()
    for here, told in ((True, SATURATES), (False, "")):
        monkeypatch.setattr("fuzz.exceptions.saturates", lambda name, here=here: here)
        assert excuse(sums, "openvino") == told
        assert excuse(sums, "litert xnnpack") == ""
        assert excuse(moved, "openvino") == "bounds of a Clip on codes"


def test_a_node_that_does_nothing_hides_no_fault(tmp_path: Path) -> None:
    """Float weights behind an Identity: the optimiser takes it out first."""
    drawn = written(
        f"g (float[1, 2, 16] x) => (float[1, 8, 16] y_dq) {GRIDS[:-1]}, float r = {{0.003}}, int8 b = {{-128}},"
        f"float[8, 2, 1] w = {{{NOISE}}}> {{ {pair('x')} i = Identity(x_dq) y = Conv(i, w) {pair('y', 'r', 'b')} }}"
    )
    assert excuse(drawn, "onnxruntime") == "float weights become codes"
    outcome = run_engines(drawn, tmp_path, ("onnxruntime",))["onnxruntime"]
    found = compare(drawn, outcome, evaluate(drawn.model, drawn.feeds, LOOSENESS.get("onnxruntime")))
    assert any(difference.what for difference in found)


BESIDE = {
    "a zero point of 0": "g (float[1, 4] x) => (float[1, 8] y_dq) <float s = {0.02}, int8 z = {0}>"
    f"{{ {pair('x')} c = Concat<axis = 1>(x_dq, x_dq) {pair('c')} y = Identity(c_dq) {pair('y')} }}",
    "a mean that ends with its image": f"g (float[1, 1, 5] x) => (float[1, 1, 2] y_dq) {GRIDS} {{ {pair('x')}"
    f"y = AveragePool<kernel_shape = [3], strides = [2], ceil_mode = 1, count_include_pad = 1>(x_dq) {pair('y')} }}",
    "moved codes with a pair behind": f"g (float[1, 4] x) => (float[4, 1] y_dq) {GRIDS}"
    f"{{ {pair('x')} y = Transpose<perm = [1, 0]>(x_dq) {pair('y')} }}",
    "a coarse grid behind a mean": f"g (float[1, 1, 4] x) => (float[1, 1, 1] y_dq) {GRIDS}"
    f"{{ {pair('x')} y = GlobalAveragePool(x_dq) {pair('y', 't', 'u')} }}",
    "a mean that a curve reads": f"g (float[1, 1, 4] x) => (float[1, 1, 3] y) {GRIDS} {{ {pair('x')}"
    "m = AveragePool<kernel_shape = [2]>(x_dq) y = Sigmoid(m) }",
    "factors of channels": "g (float[1, 2, 3] x, float[1, 2, 3] w) => (float[1, 1, 3] y) <float[2, 1] c = {1, 2}>"
    "{ m = Mul(x, c) y = Conv<pads = [1, 1]>(m, w) }",
    "a clamp of multiplied channels with a scale each": f"g (float[1, 2, 5] x) => (float[1, 4, 3] y) {GRIDS[:-1]},"
    f"float[4] v = {{0.003, 0.002, 0.001, 0.004}}, int8[4] n = {{0, 0, 0, 0}}, float low = {{0}},"
    f"int8[4, 1, 3] w_codes = {{{', '.join(['-63, -60, 90'] * 4)}}}> {{ {pair('x')}"
    "w = DequantizeLinear<axis = 0>(w_codes, v, n) c = Conv<group = 2>(x_dq, w) y = Clip(c, low) }",
    "grids a code apart": "g (float[1, 64] x) => (float[2, 64] y_dq) <float s = {0.02}, uint8 z = {0},"
    f"float t = {{0.0201}}, int64[2] i = {{0, 0}}> {{ {pair('x')} y = Gather(x_dq, i) {pair('y', 't')} }}",
    "taps whose sums fit": f"g (float[1, 2, 1, 9] x) => (float[1, 4, 1, 7] y) {GRIDS[:-1]}, float v = {{0.003}},"
    f"int8 n = {{0}}, int8[4, 1, 1, 3] w_codes = {{{', '.join(['-63, -60, 90'] * 4)}}}>"
    f"{{ {pair('x')} w = DequantizeLinear(w_codes, v, n) y = Conv<group = 2>(x_dq, w) }}",
    "products in a row": f"g (float[1, 4] x) => (float[1, 3] y) {GRIDS[:-1]}, float v = {{0.003}}, int8 n = {{0}},"
    f"int8[4, 3] w_codes = {{{CODES}}}, int8[3, 3] m_codes = {{90, -7, 33, 12, -81, 5, -60, 77, 20}}>"
    f"{{ {pair('x')} w = DequantizeLinear(w_codes, v, n) m = DequantizeLinear(m_codes, v, n)"
    f"k = MatMul(x_dq, w) {pair('k')} y = MatMul(k_dq, m) }}",
    "products in a row with a bias each": f"g (float[1, 4] x) => (float[1, 4] y) {GRIDS[:-1]}, float v = {{0.003}},"
    f"int8 n = {{0}}, float[4] b = {{0.1, 0.2, 0.3, 0.4}}, int8[4, 4] w_codes = {{{CODES}, 3, -99, 50, 17}}>"
    f"{{ {pair('x')} w = DequantizeLinear(w_codes, v, n) k = Gemm(x_dq, w, b) {pair('k')} y = Gemm(k_dq, w, b) }}",
    "an output in front of a Reshape": f"g (float[4, 16] x) => (float[4, 16] r, float[64] y_dq)"
    f" {GRIDS[:-1]}, int64[1] flat = {{-1}}> {{ r = Tanh(x) y = Reshape(r, flat) {pair('y')} }}",
    "a Softmax with pairs beside it": f"g (float[4, 16] x) => (float[4, 16] y_dq) {GRIDS}"
    f"{{ {pair('x')} y = Softmax<axis = 1>(x_dq) {pair('y', 't', 'u')} }}",
}


@pytest.mark.parametrize("text", BESIDE.values(), ids=BESIDE)
def test_a_condition_ends_where_the_fault_does(text: str, tmp_path: Path) -> None:
    drawn = written(text, opset=21)
    assert [excuse(drawn, engine) for engine in ("onnxruntime", "openvino")] == ["", ""]
    assert [finding for _, finding in judged(drawn, tmp_path).findings] == []
