"""What comes back from elsewhere is cut into samples, and refused where it can't be the file's outputs."""

from __future__ import annotations

import numpy as np
import pytest
from sepia.check.packed import INPUTS, Packed, pack, reader_like, write_arrays
from sepia.errors import RunError, RuntimeUnavailable
from sepia.runtime import TensorInfo
from support.fake_runtime import FakeRuntime

OUTPUTS = (TensorInfo("codes", (1, 3), "int8"),)


def _packed(folder, samples: int = 2) -> Packed:
    return Packed(folder, "layer.tflite", samples, OUTPUTS)


def test_a_network_is_packed_with_its_weights_and_stacked_inputs(tmp_path):
    source = tmp_path / "layer.xml"
    source.write_text("net")
    source.with_suffix(".bin").write_bytes(b"weights")
    feeds = [{"x": np.full((1, 2), at, np.int8)} for at in range(3)]

    packed = pack(source, OUTPUTS, feeds, tmp_path / "there")

    assert [file.name for file in packed.files] == [INPUTS, "layer.bin", "layer.xml"]
    assert (packed.folder / "layer.bin").read_bytes() == b"weights"
    assert np.load(packed.folder / INPUTS)["x"].tolist() == [[0, 0], [1, 1], [2, 2]]
    assert (packed.model, packed.samples) == ("layer.xml", 3)


def test_outputs_come_back_sample_by_sample(tmp_path):
    write_arrays(tmp_path / "o.npz", {"codes": np.array([[1, 2, 3], [4, 5, 6]], np.int8)})

    found = _packed(tmp_path).read(tmp_path / "o.npz")

    assert [arrays["codes"].tolist() for arrays in found] == [[[1, 2, 3]], [[4, 5, 6]]]


@pytest.mark.parametrize(
    ("arrays", "reason"),
    [
        ({"other": np.zeros((2, 3), np.int8)}, "gave no output 'codes'"),
        ({"codes": np.zeros((2, 4), np.int8)}, r"as int8\[2, 4\] of 2 samples; accepted: int8\[1, 3\] each"),
        ({"codes": np.zeros((3, 3), np.int8)}, r"as int8\[3, 3\] of 2 samples"),
        ({"codes": np.zeros((2, 3), np.uint8)}, r"as uint8\[2, 3\]"),
        ({"codes": np.zeros((), np.int8)}, r"as int8\[\] of 2"),
    ],
)
def test_what_are_not_its_outputs_is_refused(tmp_path, arrays, reason):
    write_arrays(tmp_path / "o.npz", arrays)

    with pytest.raises(RunError, match=reason):
        _packed(tmp_path).read(tmp_path / "o.npz")


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 no zip", b"\x93NUMPY\x01\x00"])
def test_a_file_that_is_no_npz_is_refused(tmp_path, content):
    (tmp_path / "o.npz").write_bytes(content)

    with pytest.raises(RunError, match="cannot be read"):
        _packed(tmp_path).read(tmp_path / "o.npz")


@pytest.mark.parametrize(("save", "at"), [(np.savez, 160), (np.savez_compressed, 59)])
def test_an_npz_with_spoilt_bytes_inside_is_refused(tmp_path, save, at):
    save(tmp_path / "o.npz", codes=np.arange(6, dtype=np.int8).reshape(2, 3))
    whole = bytearray((tmp_path / "o.npz").read_bytes())
    whole[at] = 0xFF
    (tmp_path / "o.npz").write_bytes(whole)

    with pytest.raises(RunError, match="cannot be read"):
        _packed(tmp_path).read(tmp_path / "o.npz")


def test_another_reader_of_the_format_stands_in_where_a_runtime_is_not_installed():
    absent, other = FakeRuntime("absent", ".tflite", absent=True), FakeRuntime("other", ".tflite")
    known = {"onnx": FakeRuntime("onnx", ".onnx"), "absent": absent, "other": other}

    assert reader_like(absent, known) is other
    assert reader_like(other, known) is other


def test_without_any_reader_the_runtime_that_was_asked_for_is_named():
    absent = FakeRuntime("absent", ".tflite", absent=True)

    with pytest.raises(RuntimeUnavailable, match="pip install absent"):
        reader_like(absent, {"gone": FakeRuntime("gone", ".tflite", absent=True), "absent": absent})
