"""Every runtime on every op, against plain integers: the reference is right, and what each engine's rounding costs."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from sepia.check.cut import find_layers
from sepia.check.difference import CodeDifference, compare_codes
from sepia.check.layer_session import LayerSession
from sepia.check.precision import float_ops
from sepia.check.translate import Translator
from sepia.errors import RuntimeUnavailable
from sepia.graph.load import load_graph
from sepia.runtime import RUNTIMES, Runtime
from support.exact_layer import exact_layer
from support.layer_cases import CASES
from support.qdq_layers import QdqBuilder

LEAST_SHARE = {"onnxruntime": 0.999, "litert": 0.999, "openvino": 0.999, "tflite-runtime": 0.98}

KNOWN = {
    # XNNPACK multiplies by the ratio of the two scales in 8 fractional bits.
    ("litert", "relu"): 0.95,
    # Its MEAN rounds the zero point's share of the sum apart from the sum.
    ("tflite-runtime", "global average pool"): 0.55,
}
"""(runtime, case) → the share of equal codes that the engine's own arithmetic allows; still 1 LSB at most."""

LEFT_FLOAT = ("hard sigmoid", "hard swish", "softmax")
"""Ops that ONNX Runtime or OpenVINO has no int8 kernel for."""


@dataclass(frozen=True)
class Found:
    difference: CodeDifference
    float_ops: tuple[str, ...]
    varied: int


@pytest.fixture(scope="module", params=list(RUNTIMES))
def runtime(request) -> Runtime:
    found = RUNTIMES[request.param]
    try:
        found.version()
    except RuntimeUnavailable as error:
        pytest.skip(str(error))
    return found


@pytest.mark.parametrize("case", CASES)
def test_codes_are_the_exact_ones_but_for_rounding(runtime, case, tmp_path):
    found = _run(case, "uint8", runtime, tmp_path)

    assert found.varied > 50, "codes that hardly vary would prove nothing"
    assert found.difference.max_lsb <= 1
    assert found.difference.share >= KNOWN.get((runtime.name, case), LEAST_SHARE[runtime.name])
    if case not in LEFT_FLOAT:
        assert found.float_ops == ()


@pytest.mark.parametrize("case", ["pointwise", "depthwise", "add", "mul by a gate a channel", "concat"])
def test_int8_activations_are_the_same_quantisation(runtime, case, tmp_path):
    found = _run(case, "int8", runtime, tmp_path)

    assert found.difference.max_lsb <= 1
    assert found.difference.share >= KNOWN.get((runtime.name, case), LEAST_SHARE[runtime.name])


def _run(case: str, activations: str, runtime: Runtime, folder: Path) -> Found:
    net = QdqBuilder(activations=activations)
    output = CASES[case](net)
    model = load_graph(net.save(folder / "net.onnx", output))
    cuts = folder / "cuts"
    cuts.mkdir()
    rng = np.random.default_rng(0)
    total, floats, varied = CodeDifference(), [], 256
    for layer in [layer for layer in find_layers(model) if layer.comparable]:
        feeds = {
            tensor.codes: rng.integers(*tensor.params.code_range, tensor.shape, tensor.params.dtype, endpoint=True)
            for tensor in layer.reads
        }
        translator = Translator(model, layer, cuts)
        exact = exact_layer(translator.reference(), feeds)
        file = translator.file(runtime)
        with runtime.open(file) as session:
            found = LayerSession(layer, session, file).run(feeds)
            floats += float_ops(session.placements()) or ()
        translator.remove()
        for name, codes in exact.items():
            total += compare_codes(found[name], codes)
            varied = min(varied, np.unique(codes).size)
    return Found(total, tuple(floats), varied)
