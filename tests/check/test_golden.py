"""Golden folders are what bench.py takes: right outputs pass there, wrong ones do not."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from sepia.check.golden import FLOAT_TOLERANCE, INT8_TOLERANCE, write_goldens
from sepia.errors import InputError
from sepia.runtime import RUNTIMES
from sepia.runtime.bench import Golden
from support.fake_runtime import FakeFile
from support.float_and_int8 import noise

SAMPLES = 3


@pytest.fixture(scope="module")
def files(networks, tmp_path_factory):
    """Both networks in every format; the int8 TFLite with int8 ends."""
    from sepia.export.onnx_to_openvino import onnx_to_openvino
    from sepia.export.onnx_to_tflite import onnx_to_tflite

    folder = tmp_path_factory.mktemp("formats")
    plain, int8 = networks
    made = [*networks]
    for file, io in ((plain, "float"), (int8, "int8")):
        stem = folder / file.path.stem
        onnx_to_tflite(file.path, stem.with_name(f"{stem.name}.tflite"), io=io)
        onnx_to_openvino(file.path, stem.with_name(f"{stem.name}.xml"))
        made.append(FakeFile(stem.with_name(f"{stem.name}.tflite"), "tflite", file.precision))
        made.append(FakeFile(stem.with_name(f"{stem.name}.xml"), "openvino", file.precision))
    return made


@pytest.fixture(scope="module")
def folders(files, tmp_path_factory):
    root = tmp_path_factory.mktemp("golden")
    found = write_goldens(files, noise(9), lambda file: root / f"{file.format}-{file.precision}", samples=SAMPLES)
    return dict(zip(files, found, strict=True))


def _told(folder: Path, session, *, error: float = 0.0):
    """What bench.py says of a session whose outputs are `error` off."""
    golden = Golden(str(folder))
    runs = [{name: array[at : at + 1] for name, array in golden.inputs.items()} for at in range(SAMPLES)]

    def run(feeds):
        return {name: (array + error).astype(array.dtype) for name, array in session.run(feeds).items()}

    return golden.check(runs, run)


def test_every_file_has_a_folder_that_its_runtime_passes(files, folders):
    assert len(folders) == 6
    for file in files:
        runtime = next(runtime for runtime in RUNTIMES.values() if runtime.suffixes[0] == file.path.suffix)
        with runtime.open(file.path) as session:
            told = _told(folders[file], session)
            assert told["ok"], (file, told)
            assert told["samples"] == SAMPLES


def test_outputs_that_are_further_off_do_not_pass(files, folders):
    for file in [file for file in files if file.format == "onnx"]:
        tolerance = json.loads((folders[file] / "tolerance.json").read_text())["rms"]["logits"]
        with RUNTIMES["onnxruntime"].open(file.path) as session:
            assert not _told(folders[file], session, error=2 * tolerance)["ok"]


def test_arrays_have_the_files_own_names_layout_and_dtype(files, folders):
    by = {(file.format, file.precision): folders[file] for file in files}
    shapes = {}
    for key, folder in by.items():
        with np.load(folder / "inputs.npz") as inputs, np.load(folder / "outputs.npz") as outputs:
            shapes[key] = [(name, f[name].dtype.name, f[name].shape) for f in (inputs, outputs) for name in f.files]

    assert shapes["onnx", "float"] == [("image", "float32", (3, 3, 16, 16)), ("logits", "float32", (3, 10))]
    assert shapes["tflite", "float"] == [("image", "float32", (3, 16, 16, 3)), ("logits", "float32", (3, 10))]
    assert shapes["tflite", "int8"] == [("image", "int8", (3, 16, 16, 3)), ("logits", "int8", (3, 10))]
    assert shapes["openvino", "int8"] == shapes["onnx", "float"]


def test_right_is_what_float_onnx_runtime_gives(files, folders):
    plain, int8 = files[:2]
    with np.load(folders[plain] / "outputs.npz") as right, np.load(folders[int8] / "outputs.npz") as of_int8:
        np.testing.assert_array_equal(right["logits"], of_int8["logits"])
        wanted = right["logits"]
    tolerances = [json.loads((folders[file] / "tolerance.json").read_text())["rms"]["logits"] for file in files[:2]]
    with RUNTIMES["onnxruntime"].open(int8.path) as session:
        found = np.concatenate([session.run(dict(sample))["logits"] for sample in noise(SAMPLES)])

    assert tolerances[0] == pytest.approx(FLOAT_TOLERANCE * np.sqrt(np.mean(wanted.astype(float) ** 2)))
    assert tolerances[1] == pytest.approx(INT8_TOLERANCE * np.sqrt(np.mean((found - wanted).astype(float) ** 2)))


def test_what_is_missing_is_named(files, tmp_path):
    with pytest.raises(InputError, match="no float ONNX file"):
        write_goldens(files[1:2], noise(1), lambda _: tmp_path)
    with pytest.raises(InputError, match="no samples"):
        write_goldens(files, [], lambda _: tmp_path)
