"""Whole networks run elsewhere are compared bit for bit with the same runtime here."""

from __future__ import annotations

import numpy as np
import pytest
from sepia.check.packed_networks import pack_networks
from sepia.errors import InputError
from sepia.runtime import RUNTIMES
from support.elsewhere import run_elsewhere
from support.fake_runtime import FakeFile, FakeRuntime
from support.float_and_int8 import noise


@pytest.fixture(scope="module")
def files(networks, tmp_path_factory):
    """The int8 network as ONNX and as TFLite."""
    from sepia.export.onnx_to_tflite import onnx_to_tflite

    _, int8 = networks
    tflite = tmp_path_factory.mktemp("tflite") / "model.int8.tflite"
    onnx_to_tflite(int8.path, tflite, io="int8")
    return int8, FakeFile(tflite, "tflite", "int8")


@pytest.mark.parametrize("name", ["onnxruntime", "litert"])
def test_this_machine_as_the_other_one_is_identical(files, tmp_path, name):
    (packed,) = pack_networks(files, [name], noise(3), tmp_path / "packed", samples=3)

    found = packed.compare(run_elsewhere(packed.packed, RUNTIMES[name], tmp_path / "o.npz"))

    assert (found.values, found.equal, found.max_abs, found.agreement) == (30, 30, 0.0, 1.0)
    assert found.identical


def _last_bit(arrays):
    for array in arrays.values():
        array.reshape(-1).view(f"u{array.dtype.itemsize}")[7] ^= 1
    return arrays


@pytest.mark.parametrize("name", ["onnxruntime", "litert"])
def test_one_bit_that_differs_is_seen(files, tmp_path, name):
    (packed,) = pack_networks(files, [name], noise(3), tmp_path / "packed", samples=3)

    found = packed.compare(run_elsewhere(packed.packed, RUNTIMES[name], tmp_path / "o.npz", _last_bit))

    assert (found.equal, found.identical) == (29, False)
    assert 0 < found.max_abs <= 1
    assert found.rms == pytest.approx(found.max_abs / 30**0.5)


def test_another_first_class_and_a_value_that_is_none_are_seen(files, tmp_path):
    def spoil(arrays):
        for array in arrays.values():
            array[0] = -array[0]
            array[1, 4] = np.nan
        return arrays

    (packed,) = pack_networks(files, ["onnxruntime"], noise(3), tmp_path / "packed", samples=3)

    found = packed.compare(run_elsewhere(packed.packed, RUNTIMES["onnxruntime"], tmp_path / "o.npz", spoil))

    assert found.max_abs == float("inf")
    assert found.agreement == pytest.approx(1 / 3)


def test_a_runtime_that_is_not_installed_here_has_nothing_to_be_compared_with(files, tmp_path):
    known = {"onnxruntime": RUNTIMES["onnxruntime"], "absent": FakeRuntime("absent", absent=True)}
    (packed,) = pack_networks(files, ["absent"], noise(1), tmp_path / "packed", known=known)

    assert packed.compare(run_elsewhere(packed.packed, RUNTIMES["onnxruntime"], tmp_path / "o.npz")) is None


def test_a_file_that_its_runtime_refuses_keeps_the_reason(files, tmp_path):
    known = {"fake": FakeRuntime("fake", refuses="too new")}

    (packed,) = pack_networks(files, ["fake"], noise(1), tmp_path / "packed", known=known)

    assert packed.packed is None
    assert "too new" in packed.failure


def test_no_samples_is_an_error(files, tmp_path):
    with pytest.raises(InputError, match="no samples"):
        pack_networks(files, ["onnxruntime"], [], tmp_path)
