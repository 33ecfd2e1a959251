"""A file's own names, layout and codes on one side, ONNX's on the other."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import sepia.check.network
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from sepia.check.network import Network, from_file_layout, layouts_of, matched, params_of, reads, to_file_layout
from sepia.errors import InputError, RunError
from sepia.runtime import RUNTIMES, TensorInfo
from support.fake_runtime import FakeFile, FakeRuntime

_CODES = TensorInfo("in", (1, 4, 6, 3), "int8", scale=0.5, zero_point=-3)


class _Int8Session:
    """Takes NHWC int8 "in" and gives it back as "out"."""

    inputs = (_CODES,)
    outputs = (TensorInfo("out", (1, 4, 6, 3), "int8", scale=0.25, zero_point=7),)

    def run(self, feeds):
        (self.fed,) = feeds.values()
        assert list(feeds) == ["in"]
        return {"out": self.fed}

    def placements(self):
        return []

    def close(self):
        self.closed = True


@pytest.fixture
def session(monkeypatch):
    layouts = {"in": "NHWC", "out": "NHWC"}
    monkeypatch.setattr(sepia.check.network, "layouts_of", lambda _: layouts)
    return _Int8Session()


class _Opens:
    def __init__(self, session):
        self.session = session

    def open(self, path, *, threads=1):
        return self.session


def test_an_int8_nhwc_file_is_spoken_to_in_nchw_floats(session):
    real = np.random.default_rng(0).uniform(-50, 50, (1, 3, 4, 6)).astype(np.float32)

    with Network(_Opens(session), Path("net.tflite")) as network:
        (found,) = network.run({"image": real})

    codes = np.clip(np.rint(real / 0.5) - 3, -128, 127)
    np.testing.assert_array_equal(session.fed, codes.transpose(0, 2, 3, 1))
    assert session.fed.dtype == np.int8
    np.testing.assert_array_equal(found, (codes - 7) * 0.25)
    assert session.closed


def test_own_outputs_are_what_the_file_would_give(session):
    network = Network(_Opens(session), Path("net.tflite"))
    real = np.random.default_rng(0).uniform(-9, 9, (1, 3, 4, 6)).astype(np.float32)

    found = network.own_outputs([real])["out"]

    assert (found.shape, found.dtype) == ((1, 4, 6, 3), np.int8)
    np.testing.assert_allclose((found.transpose(0, 3, 1, 2).astype(float) - 7) * 0.25, real, atol=0.125)


@given(hnp.arrays(np.int8, hnp.array_shapes(min_dims=1, max_dims=5, max_side=4)), st.sampled_from(["NHWC", "as is"]))
def test_layouts_go_there_and_back(array, layout):
    moved = to_file_layout(array, layout)

    np.testing.assert_array_equal(from_file_layout(moved, layout), array)
    if layout == "NHWC" and array.ndim > 2:
        assert moved.shape == (array.shape[0], *array.shape[2:], array.shape[1])
    else:
        assert moved.shape == array.shape


def test_an_nchw_file_is_left_alone():
    array = np.zeros((1, 2, 3, 4))

    assert to_file_layout(array, "NCHW").shape == array.shape


def test_names_decide_and_position_where_they_are_unknown():
    infos = [TensorInfo("a", (1,), "float32"), TensorInfo("b", (1,), "float32")]

    assert matched(infos, {"b": 2, "a": 1}, Path("net")) == [1, 2]
    assert matched(infos, {"x": 2, "y": 1}, Path("net")) == [2, 1]
    with pytest.raises(InputError, match="takes 2 inputs, 1 given; accepted: a, b"):
        matched(infos, {"a": 1}, Path("net"))


def test_an_integer_tensor_without_a_scale_cannot_be_spoken_to():
    assert params_of(TensorInfo("x", (1,), "float32")) is None
    assert params_of(_CODES).zero_point == [-3]
    with pytest.raises(RunError, match="'x': is int8 and the file tells no scale"):
        params_of(TensorInfo("x", (1,), "int8"))


def test_layouts_come_from_a_tflite_files_metadata_alone(tmp_path, networks):
    from sepia.export.onnx_to_tflite import onnx_to_tflite

    onnx_to_tflite(networks[0].path, tmp_path / "net.tflite")

    assert layouts_of(tmp_path / "net.tflite") == {"image": "NHWC", "logits": "as is"}
    assert layouts_of(networks[0].path) == {}


def test_spoilt_layouts_are_named(monkeypatch):
    import sepia.export.onnx_to_tflite

    monkeypatch.setattr(sepia.export.onnx_to_tflite, "read_metadata", lambda _: {"sepia.layouts": "{"})
    with pytest.raises(InputError, match=r"net\.tflite: sepia.layouts in its metadata is not JSON"):
        layouts_of(Path("net.tflite"))


def test_a_runtime_measures_the_format_that_it_prefers(tmp_path):
    files = [FakeFile(tmp_path / f"model{suffix}") for suffix in (".onnx", ".tflite", ".xml")]

    assert [[name for name in RUNTIMES if reads(RUNTIMES[name], file)] for file in files] == [
        ["onnxruntime"],
        ["litert", "tflite-runtime"],
        ["openvino"],
    ]
    assert json.dumps(FakeRuntime().suffixes) == '[".onnx"]'
