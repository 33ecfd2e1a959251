"""A cut goes through the same writers as the whole network's file, and meets its runtime as integers."""

from __future__ import annotations

import pytest
from sepia.check.cut import find_layers
from sepia.check.translate import Translator
from sepia.graph.load import load_graph
from sepia.runtime import RUNTIMES
from support.residual import RESIDUAL_OUTPUT, residual_net


@pytest.fixture
def translator(tmp_path):
    model = load_graph(residual_net().save(tmp_path / "net.onnx", RESIDUAL_OUTPUT))
    layer = next(layer for layer in find_layers(model) if layer.name == "dw_node")
    folder = tmp_path / "cuts"
    folder.mkdir()
    return Translator(model, layer, folder)


@pytest.mark.parametrize(("name", "dtype"), [("onnxruntime", "uint8"), ("litert", "int8"), ("openvino", "uint8")])
def test_every_runtime_reads_and_makes_codes(translator, name, dtype):
    runtime = RUNTIMES[name]

    with runtime.open(translator.file(runtime)) as session:
        assert [info.dtype for info in (*session.inputs, *session.outputs)] == [dtype, dtype]


def test_a_file_is_written_once_and_removed(translator):
    litert = RUNTIMES["litert"]
    first = translator.file(litert).stat().st_mtime_ns

    assert translator.file(RUNTIMES["tflite-runtime"]).stat().st_mtime_ns == first
    translator.remove()
    assert not translator.reference().exists()
