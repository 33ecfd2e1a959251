"""ONNX files of the zoo's members as torch's two exporters write them: read, and the same as by Sepia's own road."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnx
import onnx_ir as ir
import pytest
import torch
from numpy.typing import NDArray
from sepia.check.network import Network
from sepia.export.onnx_to_openvino import onnx_to_openvino
from sepia.export.onnx_to_tflite import onnx_to_tflite
from sepia.export.torch_to_onnx import to_graph
from sepia.graph.load import load_graph, save_graph
from sepia.graph.passes import canonicalize
from sepia.models.zoo import ZOO
from sepia.runtime import RUNTIMES
from support.graphs import run_graph

MEMBERS = ("ds-cnn", "matchboxnet", "blazeface", "mobilenet-v3-small", "shufflenet-v2-0.5", "ghostnet")


def theirs(network: torch.nn.Module, example: torch.Tensor, path: Path, *, dynamo: bool) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        # The older one writes opset 17 by itself; it has none above 20.
        torch.onnx.export(network, (example,), str(path), dynamo=dynamo, verbose=False, external_data=False)


WRONG = {("ds-cnn", False)}
"""(member, by dynamo): files that compute something else than the module, before anybody has read them: torch 2.13's
older exporter pads an even kernel's "same" on the wrong side."""
WRITTEN_OTHERWISE = ("Split", "Slice", "Reshape")
"""The older exporter writes a chunk as Slices; the newer leaves a Reshape behind a pool of 1-D values."""


def kinds(model: ir.Model) -> Counter[str]:
    return Counter(node.op_type for node in model.graph if node.op_type not in WRITTEN_OTHERWISE)


def near(found: Sequence[NDArray[np.float32]], wanted: Sequence[NDArray[np.float32]]) -> bool:
    pairs = zip(found, wanted, strict=True)
    return all(bool(np.abs(one - other).max() <= 1e-4 * np.abs(other).max()) for one, other in pairs)


@pytest.mark.slow
@pytest.mark.parametrize("dynamo", [True, False], ids=["dynamo", "TorchScript"])
@pytest.mark.parametrize("name", MEMBERS)
def test_the_same_network(name: str, dynamo: bool, tmp_path: Path) -> None:
    entry = ZOO[name]
    network = entry.build()
    example = torch.randn(entry.input_shape, generator=torch.Generator().manual_seed(0))
    theirs(network, example, tmp_path / "theirs.onnx", dynamo=dynamo)
    model = canonicalize(load_graph(tmp_path / "theirs.onnx"))
    with torch.no_grad():
        own = to_graph(torch.export.export(network, (example,)))
    assert kinds(model) == kinds(own)
    raw = onnx.load(str(tmp_path / "theirs.onnx"))
    wanted = list(run_graph(raw, {raw.graph.input[0].name: example.numpy()}).values())
    ours = list(run_graph(own, {str(own.graph.inputs[0].name): example.numpy()}).values())
    assert near(wanted, ours) is ((name, dynamo) not in WRONG)
    save_graph(model, tmp_path / "model.onnx")
    onnx_to_tflite(tmp_path / "model.onnx", tmp_path / "model.tflite")
    onnx_to_openvino(tmp_path / "model.onnx", tmp_path / "model.xml")
    for runtime, file in (("onnxruntime", "model.onnx"), ("litert", "model.tflite"), ("openvino", "model.xml")):
        with Network(RUNTIMES[runtime], tmp_path / file) as session:
            found = session.run({str(model.graph.inputs[0].name): example.numpy()})
        assert near(found, wanted), runtime
