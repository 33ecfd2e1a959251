"""From what a board gave to rows: its reasons are kept, and the two comparisons stay apart."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from sepia.check.difference import CodeDifference
from sepia.check.packed import write_arrays
from sepia.check.packed_layers import PackedLayer, pack_layers
from sepia.devices.emulator.counts import Counts
from sepia.pipeline.target_layers import RanThere
from sepia.pipeline.target_parity import LayerOnTarget, layer_on_target, target_verdicts
from sepia.runtime import RUNTIMES
from support.elsewhere import run_elsewhere
from support.residual import RESIDUAL_INPUT, RESIDUAL_OUTPUT, residual_net

COUNTS = Counts(1, 2, 3, 4, 5, 6)


@pytest.fixture(scope="module")
def layer(tmp_path_factory) -> PackedLayer:
    folder = tmp_path_factory.mktemp("net")
    qdq = residual_net().save(folder / "net.onnx", RESIDUAL_OUTPUT)
    data = [{"image": np.random.default_rng(5).normal(0, 1, RESIDUAL_INPUT).astype(np.float32)}]
    return pack_layers(qdq, ["onnxruntime"], data, folder / "packed")[0]


def _outputs(layer: PackedLayer, folder: Path, xor: int = 0) -> Path:
    def spoil(arrays):
        for array in arrays.values():
            array.reshape(-1)[:3] ^= xor
        return arrays

    assert layer.packed is not None
    return run_elsewhere(layer.packed, RUNTIMES["onnxruntime"], folder / "o.npz", spoil)


def test_equal_codes_and_instructions_by_kind(layer, tmp_path):
    row = layer_on_target(layer, RanThere(_outputs(layer, tmp_path), COUNTS))

    assert (row.runtime, row.layer, row.failure) == ("onnxruntime", "stem_node", "")
    assert row.here is not None
    assert row.here.equal == row.here.codes == row.reference.equal == 8 * 16
    assert row.instructions == {"dot": 1, "multiply": 2, "load": 3, "store": 4, "vector": 5, "scalar": 6}


def test_one_lsb_in_a_few_codes_is_rounding_and_more_is_not(layer, tmp_path):
    near = layer_on_target(layer, RanThere(_outputs(layer, tmp_path, xor=4)))

    (verdict,) = target_verdicts([near])
    assert not verdict.passed
    assert "4 LSB off, where rounding explains 1" in verdict.broken["stem_node"]


def test_onnx_runtime_of_another_processor_may_round_otherwise():
    apart = CodeDifference(codes=200_000, equal=199_999, max_lsb=1)
    row = LayerOnTarget("onnxruntime", "conv", "Conv", "pointwise", apart, apart)

    assert target_verdicts([row])[0].passed


def test_outputs_that_are_none_of_this_layer_are_a_failure(layer, tmp_path):
    write_arrays(tmp_path / "o.npz", {"other": np.zeros(3, np.int8)})

    row = layer_on_target(layer, RanThere(tmp_path / "o.npz", COUNTS))

    assert "gave no output" in row.failure
    assert row.here is None
    assert not target_verdicts([row])[0].passed


def test_why_it_did_not_run_is_kept(layer):
    assert layer_on_target(layer, RanThere(failure="was killed")).failure == "was killed"
    assert layer_on_target(PackedLayer(layer.layer, "litert", failure="no such op"), None).failure == "no such op"
