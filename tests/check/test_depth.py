"""Error along the depth, against plain runs of both networks with every tensor as an output."""

from __future__ import annotations

import json

import numpy as np
import onnx
import onnxruntime as ort
import pytest
from sepia.check.depth import check_depth
from sepia.errors import InputError
from support.float_and_int8 import noise


def _tensor(path, name, sample):
    """One value of a file, in float arithmetic, nothing fused."""
    model = onnx.load(str(path))
    if name not in [output.name for output in model.graph.output]:
        model.graph.output.append(onnx.helper.make_tensor_value_info(name, 1, None))
    options = ort.SessionOptions()
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = ort.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    return session.run([name], sample)[0].astype(np.float64)


def test_sqnr_and_rms_are_those_of_plain_runs(networks):
    plain, int8 = networks
    data = noise(3, seed=4)

    rows = check_depth(plain.path, int8.path, data, samples=2)

    assert [row.index for row in rows] == list(range(len(rows)))
    assert len(rows) > 8
    model = onnx.load(str(int8.path))
    pairs = {node.input[0]: node for node in model.graph.node if node.op_type == "QuantizeLinear"}
    constants = {tensor.name: onnx.numpy_helper.to_array(tensor) for tensor in model.graph.initializer}
    for row in (rows[0], rows[4], rows[-2]):
        codes = pairs[row.tensor].output[0]
        copy = next(n.output[0] for n in model.graph.node if n.op_type == "DequantizeLinear" and n.input[0] == codes)
        wanted = np.concatenate([_tensor(plain.path, row.tensor, sample) for sample in data[:2]])
        error = wanted - np.concatenate([_tensor(int8.path, copy, sample) for sample in data[:2]])
        assert row.sqnr_db == pytest.approx(10 * np.log10(np.sum(wanted**2) / np.sum(error**2)), abs=1e-3)
        scale = float(constants[pairs[row.tensor].input[1]])
        assert row.rms_lsb == pytest.approx(np.sqrt(np.mean(error**2)) / scale, rel=1e-4)
    assert json.loads(json.dumps([row.to_json() for row in rows], allow_nan=False))[0]["layer"] == rows[0].layer


def test_no_samples_is_an_error(networks):
    with pytest.raises(InputError, match="no samples"):
        check_depth(networks[0].path, networks[1].path, [])
