"""A layer that one runtime computes otherwise is found and named, and no other is."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
import pytest
from onnx import numpy_helper
from sepia.check.layers import check_layers
from sepia.check.verdict import verdicts
from sepia.errors import InputError, Refusal, RuntimeUnavailable, UnsupportedOps
from sepia.runtime import RUNTIMES, Placement
from support.fake_runtime import FakeRuntime
from support.residual import RESIDUAL_INPUT, RESIDUAL_LAYERS, RESIDUAL_OUTPUT, residual_net


@pytest.fixture(scope="module")
def qdq(tmp_path_factory) -> Path:
    return residual_net().save(tmp_path_factory.mktemp("net") / "net.onnx", RESIDUAL_OUTPUT)


def _data(count: int = 3):
    rng = np.random.default_rng(5)
    return [{"image": rng.normal(0, 1, RESIDUAL_INPUT).astype(np.float32)} for _ in range(count)]


def _check(qdq: Path, fake: FakeRuntime, translate=None, **rest):
    known = {"onnxruntime": RUNTIMES["onnxruntime"], fake.name: fake}
    return check_layers(qdq, [fake.name], _data(), samples=2, known=known, translate=translate, **rest)


def test_an_engine_that_is_right_is_told_so_layer_by_layer(qdq):
    rows = _check(qdq, FakeRuntime())

    assert tuple(row.layer for row in rows) == RESIDUAL_LAYERS
    assert {row.runtime for row in rows} == {"fake"}
    assert [row.codes for row in rows] == [2 * size for size in (8 * 16, 8 * 16, 8 * 16, 8 * 16, 8, 8, 5)]
    assert all(row.share == 1 and row.max_lsb == 0 and row.float_ops == () for row in rows)
    (verdict,) = verdicts(rows)
    assert verdict.passed
    assert (verdict.layers, verdict.codes, verdict.broken) == (7, 2 * (4 * 8 * 16 + 21), {})


def test_each_layer_is_fed_what_the_reference_gave_for_the_layers_before(qdq):
    given = []

    def keep(outputs):
        given.append(outputs)
        return outputs

    _check(qdq, FakeRuntime(spoil=keep))

    session = ort.InferenceSession(qdq, providers=["CPUExecutionProvider"])
    wanted = [session.run(None, sample)[0] for sample in _data()[:2]]
    (scale, point) = (numpy_helper.to_array(t) for t in onnx.load(str(qdq)).graph.initializer if t.name in _FC)
    found = [(outputs["fc_quantized"].astype(int) - int(point)) * scale for outputs in given[-2:]]
    np.testing.assert_allclose(found, wanted, atol=float(scale) / 2)
    assert np.unique(found).size > 3


_FC = ("fc_scale", "fc_zero_point")


def _flip_a_weight(tensors):
    tensors["dw.weight_quantized"][3, 0, 1, 1] ^= 0x40


def _widen_a_scale(tensors):
    tensors["dw.weight_scale"][2] *= 1.05


def _shift_a_bias(tensors):
    tensors["dw.bias_quantized"][5] += 2000


def _move_a_zero_point(tensors):
    tensors["dw_zero_point"] += np.uint8(1)


@pytest.mark.parametrize("spoil", [_flip_a_weight, _widen_a_scale, _shift_a_bias, _move_a_zero_point])
def test_a_layer_that_was_translated_wrongly_is_named(qdq, spoil):
    def translate(codes: Path, real: Path, destination: Path) -> None:
        model = onnx.load(str(codes))
        if any(node.name == "dw_node" for node in model.graph.node):
            _change(model, spoil)
        destination.write_bytes(model.SerializeToString())

    rows = _check(qdq, FakeRuntime(suffix=".fake"), translate)

    (verdict,) = verdicts(rows)
    assert not verdict.passed
    assert list(verdict.broken) == ["dw_node"]


def _change(model: onnx.ModelProto, spoil) -> None:
    tensors = {tensor.name: numpy_helper.to_array(tensor).copy() for tensor in model.graph.initializer}
    spoil(tensors)
    for tensor in model.graph.initializer:
        tensor.CopyFrom(numpy_helper.from_array(tensors[tensor.name], tensor.name))


def test_a_wrong_layer_does_not_spoil_the_layers_behind_it(qdq):
    def first_code_up(outputs):
        return {name: codes + (np.arange(codes.size) == 0).reshape(codes.shape) for name, codes in outputs.items()}

    fake = FakeRuntime(spoil=lambda outputs: {n: c.astype(np.uint8) for n, c in first_code_up(outputs).items()})

    rows = _check(qdq, fake)

    # One code a sample in every layer, and never more further down.
    assert [row.codes - row.equal for row in rows] == [2] * len(RESIDUAL_LAYERS)
    assert {row.max_lsb for row in rows} == {1}


def test_a_layer_that_a_format_refuses_is_a_row_with_the_reason(qdq):
    def translate(codes: Path, real: Path, destination: Path) -> None:
        if any(node.op_type == "Add" for node in onnx.load(str(codes)).graph.node):
            raise UnsupportedOps("net.onnx", "fake", [Refusal("sum_node", "Add", "no such op")])
        shutil.copy(codes, destination)

    rows = _check(qdq, FakeRuntime(suffix=".fake"), translate)

    refused = [row for row in rows if row.failure]
    assert [(row.layer, row.codes) for row in refused] == [("sum_node", 0)]
    assert "'sum_node' (Add): no such op" in refused[0].failure
    (verdict,) = verdicts(rows)
    assert not verdict.passed
    assert "no such op" in verdict.broken["sum_node"]


def test_layers_in_float_are_named_and_unknown_is_not_none(qdq):
    placed = (Placement("dw", "Conv", "float32"), Placement("q", "QuantizeLinear", "none"))
    told = _check(qdq, FakeRuntime(placed=placed))
    untold = _check(qdq, FakeRuntime(placed=()))

    assert {row.float_ops for row in told} == {("Conv (float32)",)}
    assert {row.float_ops for row in untold} == {None}
    assert verdicts(told)[0].float_layers["dw_node"] == "Conv (float32)"
    assert verdicts(told)[0].passed, "a layer in float is told, it is not wrong"


def test_the_reference_is_a_runtime_like_others(qdq):
    rows = check_layers(qdq, ["onnxruntime"], _data(), samples=1)

    assert all(row.share == 1 for row in rows)
    assert verdicts(rows)[0].float_layers == {}


def test_progress_counts_layers_and_ends_at_all(qdq):
    seen = []

    _check(qdq, FakeRuntime(), progress=lambda *told: seen.append(told))

    assert [name for name, _, _ in seen][1:-1] == list(RESIDUAL_LAYERS)
    assert [done for _, done, _ in seen] == list(range(len(seen)))
    assert {total for _, _, total in seen} == {len(seen) - 1}


def test_no_samples_is_an_error(qdq):
    with pytest.raises(InputError, match="no samples"):
        check_layers(qdq, ["onnxruntime"], [])


def test_a_runtime_that_is_not_installed_is_an_error(qdq):
    with pytest.raises(RuntimeUnavailable, match="pip install fake"):
        _check(qdq, FakeRuntime(absent=True))


def test_rows_and_verdicts_are_json(qdq):
    import json

    rows = _check(qdq, FakeRuntime())

    told = json.loads(json.dumps([row.to_json() for row in rows]))
    assert told[1]["layer"] == "dw_node"
    assert told[1]["share"] == 1.0
    assert json.loads(json.dumps(verdicts(rows)[0].to_json()))["goal"]["max_lsb"] == 1
