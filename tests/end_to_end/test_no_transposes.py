"""NCHW to NHWC without a TRANSPOSE inside a network that needs none: every member of the zoo, by counting them."""

from __future__ import annotations

from collections import Counter

import pytest
import torch
from sepia.export.onnx_to_tflite.lower import lower, plan
from sepia.export.torch_to_onnx import to_graph
from sepia.graph.qdq import read_qdq
from sepia.models.zoo import ZOO, for_inference

NEEDED = {
    # One a channel shuffle, which is a transpose of [N, H, W, 2, C/2] by its nature.
    "shufflenet-v2": 16,
    "shufflenet-v2-0.5": 16,
    # Of the input: [N, C, W] keeps ONNX's order, for nobody has a name for another.
    "matchboxnet": 1,
}
"""Member → how many, and why. All others have none."""
NO_TFLITE = ("x3d-xs",)
QUICK = ("ds-cnn", "matchboxnet", "blazeface", "mobilenet-v1-0.25")


def transposes(name: str) -> int:
    entry = ZOO[name]
    network = for_inference(entry.define().eval())
    with torch.no_grad():
        program = torch.export.export(network, (torch.zeros(entry.input_shape),))
    quantized = read_qdq(to_graph(program))
    planned, refusals = plan(quantized)
    assert refusals == []
    return Counter(operator.op for operator in lower(quantized, planned, "float").operators)["TRANSPOSE"]


@pytest.mark.parametrize("name", QUICK)
def test_small_members(name: str) -> None:
    assert transposes(name) == NEEDED.get(name, 0)


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in ZOO if name not in (*QUICK, *NO_TFLITE)])
def test_all_others(name: str) -> None:
    assert transposes(name) == NEEDED.get(name, 0)
