"""Whole networks: errors against float, one stream for all, wrong and failed runtimes without figures."""

from __future__ import annotations

import json

import numpy as np
import onnxruntime as ort
import pytest
from sepia.check.whole import GREATEST_SPREAD, WholeParity, check_whole, difference_of, spread
from sepia.errors import InputError
from sepia.runtime import RUNTIMES, Placement
from support.fake_runtime import FakeFile, FakeRuntime, clip_weights
from support.float_and_int8 import noise


def _known(*fakes: FakeRuntime):
    return {"onnxruntime": RUNTIMES["onnxruntime"], **{fake.name: fake for fake in fakes}}


def _run(path, sample):
    return ort.InferenceSession(path, providers=["CPUExecutionProvider"]).run(None, sample)[0]


def test_rms_and_agreement_are_those_of_plain_runs(networks):
    plain, int8 = networks
    data = noise(6, seed=3)
    wanted, found = (np.stack([_run(file.path, sample) for sample in data]) for file in networks)

    rows = check_whole([plain, int8], ["onnxruntime"], data, samples=6)

    assert [(row.precision, row.file, row.samples) for row in rows] == [
        ("float", "model.onnx", 6),
        ("int8", "model.int8.onnx", 6),
    ]
    assert (rows[0].rms, rows[0].agreement) == (0, 1)
    assert rows[1].rms == pytest.approx(np.sqrt(np.mean((found - wanted).astype(float) ** 2)), rel=1e-5)
    assert rows[1].rms > 0
    assert rows[1].agreement == np.mean(found.argmax(-1) == wanted.argmax(-1))
    assert rows[0].float_layers is None, "a float file is in float on purpose"


def test_only_the_samples_asked_for_are_drawn(networks):
    drawn = []

    def stream():
        for sample in noise(9):
            drawn.append(1)
            yield sample

    check_whole(networks, ["onnxruntime"], stream(), samples=3)

    assert len(drawn) == 3


def test_a_runtime_that_saturates_is_marked_and_has_no_figures(networks):
    _, int8 = networks
    right, clips = FakeRuntime("right"), FakeRuntime("clips", rewrite=clip_weights)

    rows = check_whole(networks, ["right", "clips"], noise(4), known=_known(right, clips), samples=4)

    by = {(row.runtime, row.file): row for row in rows}
    assert by["right", int8.path.name].rms > 0
    assert "saturates" in by["clips", int8.path.name].wrong
    assert by["clips", int8.path.name].rms is None
    assert by["clips", int8.path.name].agreement is None
    assert by["clips", "model.onnx"].wrong == "", "float kernels do not saturate"
    assert by["clips", "model.onnx"].rms is not None


@pytest.mark.parametrize(
    ("fake", "told"),
    [
        (FakeRuntime(absent=True), "pip install fake"),
        (FakeRuntime(refuses="no such op version"), "no such op version"),
        (FakeRuntime(spoil=lambda outputs: {name: array * np.nan for name, array in outputs.items()}), "NaN"),
    ],
)
def test_a_runtime_that_fails_is_kept_with_its_reason_and_the_others_go_on(networks, fake, told):
    rows = check_whole(networks, ["fake", "onnxruntime"], noise(2), known=_known(fake), samples=2, judge=lambda *_: "")

    failed = [row for row in rows if row.runtime == "fake"]
    assert len(failed) == 2
    assert all(told in row.failure and row.rms is None for row in failed)
    assert all(row.failure == "" and row.rms is not None for row in rows if row.runtime == "onnxruntime")


def test_layers_in_float_come_with_reasons(networks):
    _, int8 = networks
    placed = (
        Placement("stem", "Conv", "float32"),
        Placement("logits", "Gemm", "float16"),
        Placement("somewhere", "Softmax", "float32"),
        Placement("stem_float", "HARD_SWISH", "float32"),
        Placement("head", "Conv", "int8"),
        Placement("q", "QuantizeLinear", "none"),
    )
    fake = FakeRuntime(placed=placed)

    rows = check_whole(
        [*networks],
        ["fake"],
        noise(1),
        known=_known(fake),
        left_float={"stem": "left so by the recipe"},
        judge=lambda *_: "",
    )

    (row,) = [row for row in rows if row.file == int8.path.name]
    assert row.int8_layers == 1
    assert [(layer.layer, layer.precision) for layer in row.float_layers] == [
        ("stem", "float32"),
        ("fc", "float16"),
        ("somewhere", "float32"),
        ("stem", "float32"),
    ]
    stem, head, unknown, written = (layer.reason for layer in row.float_layers)
    assert stem == "left so by the recipe"
    assert "no int8 kernel" in head
    assert "made out of a layer" in unknown, "as ONNX Runtime splits a HardSwish"
    assert "in float on purpose" in written, "as the TFLite writer has a HardSwish"


def test_errors_of_all_outputs_count_and_classes_of_the_first():
    wanted = (np.array([[0.0, 1.0]]), np.array([[5.0, 0.0, 0.0]]))
    found = (np.array([[0.0, 2.0]]), np.array([[1.0, 2.0, 0.0]]))

    total = difference_of(found, wanted)

    assert total.rms == pytest.approx(np.sqrt((1 + 16 + 4) / 5))
    assert (total.samples, total.agreement) == (1, 1)


def test_without_a_float_file_there_is_nothing_to_compare_with(networks):
    with pytest.raises(InputError, match="no float ONNX file"):
        check_whole(networks[1:], ["onnxruntime"], noise(1))
    with pytest.raises(InputError, match="no samples"):
        check_whole(networks, ["onnxruntime"], [])


def _row(rms, precision="int8", wrong=""):
    return WholeParity("r", "f", "onnx", precision, 1, rms, 1.0, wrong=wrong)


def test_spread_is_over_right_int8_rows_alone():
    rows = [_row(0.100), _row(0.104), _row(0.5, "float"), _row(None, wrong="saturates")]

    assert spread(rows) == pytest.approx(0.04)
    assert spread(rows) < GREATEST_SPREAD < spread([*rows, _row(0.106)])
    assert spread(rows[:1]) is None


def test_rows_are_json(networks):
    rows = check_whole(networks, ["onnxruntime"], noise(1), samples=1)

    told = json.loads(json.dumps([row.to_json() for row in rows], allow_nan=False))
    assert told[1]["float_layers"] == []
    assert told[1]["int8_layers"] > 5


def test_a_file_goes_to_the_runtimes_that_prefer_its_format(networks, tmp_path):
    other = FakeRuntime("other", ".other")
    file = FakeFile(tmp_path / "model.int8.other", "tflite", "int8")
    file.path.write_bytes(networks[1].path.read_bytes())

    rows = check_whole([*networks, file], ["onnxruntime", "other"], noise(1), known=_known(other), judge=lambda *_: "")

    assert [(row.runtime, row.file) for row in rows] == [
        ("onnxruntime", "model.onnx"),
        ("onnxruntime", "model.int8.onnx"),
        ("other", "model.int8.other"),
    ]
