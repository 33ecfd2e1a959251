"""Saturation is found by trying, in a fake and in the real OpenVINO held to instructions without VNNI."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from sepia.check.cut import find_layers, write_cut
from sepia.check.probe_network import expected_codes, write_probe
from sepia.check.saturation import SAFE_WEIGHT, keeps_to_half, probe, saturates, wrong_outputs
from sepia.graph.load import load_graph
from sepia.runtime import processor
from support.exact_layer import exact_layer
from support.fake_runtime import FakeFile, FakeRuntime, clip_weights
from support.qdq_layers import QdqBuilder


@pytest.mark.parametrize("weight", [127, SAFE_WEIGHT])
def test_the_probes_expected_codes_are_the_exact_ones(tmp_path, weight):
    write_probe(tmp_path / "probe.onnx", weight)
    model = load_graph(tmp_path / "probe.onnx")
    layers = [layer for layer in find_layers(model) if layer.comparable]

    assert [str(layer.kind) for layer in layers] == ["pointwise", "standard", "depthwise", "fully connected"]
    for layer in layers:
        write_cut(model, layer, tmp_path / "cut.onnx")
        (read,), (made,) = layer.reads, layer.makes
        exact = exact_layer(tmp_path / "cut.onnx", {read.codes: np.full(read.shape, 255, np.uint8)})
        found = np.broadcast_to(expected_codes(made.shape), made.shape)
        np.testing.assert_array_equal(found, exact[made.codes])
        assert set(np.unique(found)) == {28, 228}


def test_a_runtime_that_is_exact_passes_and_one_that_clips_does_not():
    assert not probe(FakeRuntime())
    assert probe(FakeRuntime(rewrite=clip_weights))
    assert not probe(FakeRuntime(rewrite=clip_weights), weight=SAFE_WEIGHT)


def test_no_pair_of_safe_weights_overflows_and_one_more_would():
    assert 2 * 255 * SAFE_WEIGHT <= np.iinfo(np.int16).max < 2 * 255 * (SAFE_WEIGHT + 1)


def test_onnx_runtime_is_exact_here():
    assert not saturates("onnxruntime")


def _file(folder: Path, greatest: int) -> FakeFile:
    net = QdqBuilder()
    net.layer("pw", "Conv", net.input("image", (1, 4, 5, 5)), (8, 4, 1, 1))
    weights = np.zeros((8, 4, 1, 1), np.int8)
    weights[0, 0] = -greatest
    net.initializers["pw.weight_quantized"] = weights
    return FakeFile(net.save(folder / f"{greatest}.onnx", "pw_dequantized"))


def test_weights_are_safe_up_to_half_the_range(tmp_path):
    assert keeps_to_half(_file(tmp_path, SAFE_WEIGHT).path)
    assert not keeps_to_half(_file(tmp_path, SAFE_WEIGHT + 1).path)


def test_outputs_are_wrong_where_the_runtime_saturates_and_the_weights_are_not_safe(tmp_path):
    clips, exact = FakeRuntime("clips", rewrite=clip_weights), FakeRuntime("exact")
    safe, full = _file(tmp_path, SAFE_WEIGHT), _file(tmp_path, 127)

    assert "clips saturates" in wrong_outputs(clips, full, full)
    assert "--saturation-safe" in wrong_outputs(clips, full, full)
    assert wrong_outputs(clips, full, None), "weights that are not known are not safe"
    assert wrong_outputs(clips, safe, safe) == ""
    assert wrong_outputs(exact, full, full) == ""
    assert wrong_outputs(clips, FakeFile(full.path, precision="float"), full) == ""


def test_a_runtime_is_tried_once(tmp_path):
    clips, full = FakeRuntime(rewrite=clip_weights), _file(tmp_path, 127)
    wrong_outputs(clips, full, full)
    opened = clips.opened

    wrong_outputs(clips, full, full)

    assert clips.opened == opened > 0


_PROBE = """
from sepia.check.saturation import SAFE_WEIGHT, probe, saturates
from sepia.runtime import RUNTIMES
print(saturates("openvino"), probe(RUNTIMES["openvino"], weight=SAFE_WEIGHT))
"""


@pytest.mark.skipif(not processor().x86, reason="only x86 has instructions that saturate")
@pytest.mark.parametrize("isa", ["AVX2", "AVX512_CORE"])
def test_openvino_without_vnni_saturates_unless_the_weights_are_safe(isa):
    said = subprocess.run(
        [sys.executable, "-c", _PROBE],
        env={**os.environ, "ONEDNN_MAX_CPU_ISA": isa},
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )

    assert said.stdout.split() == ["True", "False"]


@pytest.mark.skipif(processor().sums_in_16_bits, reason="this processor has no VNNI")
def test_openvino_with_vnni_is_exact():
    assert not saturates("openvino")
