"""Whole networks: beside ONNX Runtime and LiteRT here, and as the same bytes on emulated ARM cores."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from sepia.check.model_folder import ModelFolder
from sepia.devices.emulator import plugin
from sepia.devices.emulator.counts import read_counts
from sepia.devices.emulator.qemu import find
from sepia.export.onnx_to_c import build
from sepia.inputs.calibration import calibration_data
from sepia.models.zoo import ZOO
from sepia.pipeline.quantize_files import QuantizeOptions, quantize_files
from sepia.runtime import runtime_named
from support.c_programs import CProgram, compiler_for, made
from support.needs import need_programs

pytestmark = pytest.mark.slow

PHOTOS = 4
CORES = {"armv6l": "arm1176", "armv7l": "cortex-a7", "aarch64": "cortex-a53"}
MOST_INSTRUCTIONS = {"armv6l": 850e6, "armv7l": 430e6, "aarch64": 220e6}
"""Of Lite0, an inference: what zig 0.17 makes of it is 817, 400 and 209 million."""


def int8_folder(float_file: Path, folder: Path) -> ModelFolder:
    shutil.copy(float_file, folder / "model.onnx")
    made_of = ModelFolder(folder)
    quantize_files(made_of, made_of, QuantizeOptions(images=16), formats=("onnx", "tflite"))
    return made_of


def photos(name: str) -> list[NDArray[np.float32]]:
    entry = ZOO[name]
    data = calibration_data(None, {"input": entry.input_shape}, entry.preparation, limit=PHOTOS)
    return [sample["input"] for sample in data]


def by(runtime: str, path: Path, images: list[NDArray[np.float32]]) -> NDArray[np.float32]:
    with runtime_named(runtime).open(path) as session:
        (info,) = session.inputs
        order = (0, 2, 3, 1) if runtime == "litert" else (0, 1, 2, 3)
        runs = [session.run({info.name: np.ascontiguousarray(image.transpose(order))}) for image in images]
    return np.concatenate([next(iter(run.values())) for run in runs])


def by_program(program: CProgram, images: list[NDArray[np.float32]]) -> NDArray[np.float32]:
    outputs, told = program.run([{"input": image} for image in images])
    below, above = sorted(round(time * 1000) for time in told["times_ms"])[PHOTOS // 2 - 1 : PHOTOS // 2 + 1]
    assert round(told["p50_ms"] * 1000) == (below + above) // 2
    return np.concatenate([output["logits"] for output in outputs])


@pytest.fixture(scope="module")
def lite0(lite0_float: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[ModelFolder, CProgram]:
    folder = int8_folder(lite0_float, tmp_path_factory.mktemp("lite0"))
    return folder, made(folder.path / "model.int8.onnx", folder.path / "c")


@pytest.mark.parametrize("runtime", ["onnxruntime", "litert"])
def test_lite0_is_as_near_as_two_runtimes_are(lite0: tuple[ModelFolder, CProgram], runtime: str) -> None:
    folder, program = lite0
    images = photos("efficientnet-lite0")
    ours = by_program(program, images)
    suffix = "tflite" if runtime == "litert" else "onnx"
    theirs = by(runtime, folder.path / f"model.int8.{suffix}", images)
    assert np.sqrt(np.mean((ours - theirs) ** 2)) < 0.06  # one code that is rounded the other way may come to that
    np.testing.assert_array_equal(ours.argmax(1), theirs.argmax(1))


def test_mobilenet_v2(mobilenet_v2_float: Path, tmp_path: Path) -> None:
    folder = int8_folder(mobilenet_v2_float, tmp_path)
    images = photos("mobilenet-v2")
    ours = by_program(made(folder.path / "model.int8.onnx", tmp_path / "c"), images)
    theirs = by("litert", folder.path / "model.int8.tflite", images)
    assert np.sqrt(np.mean((ours - theirs) ** 2)) < 0.06
    np.testing.assert_array_equal(ours.argmax(1), theirs.argmax(1))


@pytest.mark.parametrize("architecture", CORES)
def test_an_arm_core_gives_the_same_bytes(
    lite0: tuple[ModelFolder, CProgram], architecture: str, tmp_path: Path
) -> None:
    need_programs(qemu_aarch64="qemu-user", qemu_arm="qemu-user", cc="gcc")
    compiler_for(architecture)
    _, program = lite0
    image = photos("efficientnet-lite0")[:1]
    qemu = find(architecture)
    counts = tmp_path / "counts.txt"
    counting = ["-plugin", f"{plugin.build(qemu, tmp_path)},out={counts}"] if qemu.plugin_api else []
    words = (str(qemu.path), "-cpu", CORES[architecture], *counting)
    emulated = CProgram(build(program.written.source.parent, architecture), program.written, words)
    data = program.packed({"input": image[0]})
    there, here = emulated.start(data, "--mark"), program.start(data)
    assert (there.returncode, here.returncode) == (0, 0), there.stderr
    assert hashlib.sha256(there.stdout).digest() == hashlib.sha256(here.stdout).digest()
    if counting:
        ((_, counted),) = read_counts(counts)
        assert counted.total < MOST_INSTRUCTIONS[architecture]
