"""A layer's time is its kernel's, whatever node the runtime names that by."""

from __future__ import annotations

import onnx_ir as ir
import pytest
from sepia.errors import ConfigError
from sepia.graph.load import load_graph
from sepia.pipeline.layer_times import LayerTimes, kernels_of, place_of_layers
from support.graphs import tiny_separable


def graph(tmp_path) -> ir.Graph:  # type: ignore[no-untyped-def]
    (tmp_path / "model.onnx").write_bytes(tiny_separable().SerializeToString())
    return load_graph(tmp_path / "model.onnx").graph


def test_a_fused_convolution_goes_by_what_reads_it_last(tmp_path) -> None:  # type: ignore[no-untyped-def]
    nodes = graph(tmp_path)
    convolutions = [node for node in nodes if node.op_type == "Conv"]
    readers = {str(node.name): str(node.outputs[0].uses()[0].node.name) for node in convolutions}
    found = kernels_of(nodes, {*readers.values()})
    assert found[str(convolutions[0].name)] == readers[str(convolutions[0].name)]
    alone = kernels_of(nodes, {*readers, *readers.values()})
    assert alone == {name: name for name in readers}
    assert kernels_of(nodes, {"of another file"}) == {}


def test_the_parts_of_a_layer_are_added_and_none_twice() -> None:
    times = LayerTimes(1.0, None, {"a": 5.0, "b": 7.0, "c": 11.0}, {"x.depthwise": "a", "x.pointwise": "b", "x2": "c"})
    assert times.of("x") == 12.0 and times.of("x2") == 11.0 and times.of("y") is None
    fused = LayerTimes(1.0, None, {"a": 5.0}, {"x.first": "a", "x.second": "a"})
    assert fused.of("x") == 5.0


def test_a_place_is_for_one_thread_of_onnx_runtime() -> None:
    place = place_of_layers("pi4@emulator")
    assert (place.kind, place.runtime, place.threads) == ("emulator", "onnxruntime", 1)
    assert place_of_layers("host").kind == "host"
    for text in ("host-debian12-litert-t1", "host-debian12-onnxruntime-t2"):
        with pytest.raises(ConfigError, match="one thread of ONNX Runtime; accepted: host"):
            place_of_layers(text)
    with pytest.raises(ConfigError, match="no board is called 'nowhere'"):
        place_of_layers("nowhere")
