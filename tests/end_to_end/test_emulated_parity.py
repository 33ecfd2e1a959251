"""Real ARM wheels on emulated cores against this machine's: by layer on the same codes, and whole."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from sepia.check.model_folder import Format, ModelFolder
from sepia.devices.place import parse_place
from sepia.pipeline.check_target import Parity, check_target
from sepia.pipeline.quantize_files import QuantizeOptions, quantize_files
from support.needs import need_programs

pytestmark = pytest.mark.slow


def int8_folder(float_file: Path, folder: Path, formats: tuple[Format, ...]) -> ModelFolder:
    shutil.copy(float_file, folder / "model.onnx")
    made = ModelFolder(folder)
    quantize_files(made, made, QuantizeOptions(images=16), formats=formats)
    return made


def parity(folder: ModelFolder, target: str, *runtimes: str) -> Parity:
    need_programs(qemu_aarch64="qemu-user", qemu_arm="qemu-user", apt_get="apt", dpkg_deb="dpkg", cc="gcc")
    return check_target(folder, parse_place(target), runtimes=runtimes, samples=1).parity


@pytest.fixture(scope="module")
def lite0(lite0_float: Path, tmp_path_factory: pytest.TempPathFactory) -> ModelFolder:
    return int8_folder(lite0_float, tmp_path_factory.mktemp("lite0"), ("onnx", "tflite"))


@pytest.mark.parametrize("board", ["pizero2w", "pi4", "pi5"])
def test_lite0_is_the_same_but_for_ties_of_its_sums(lite0: ModelFolder, board: str) -> None:
    """Every layer's codes are this machine's and ONNX Runtime's, but for ties of the residual sums.

    A pair of codes whose exact sum lies in the middle of two codes, within what the arithmetic keeps, can go up in one
    and down in another: ONNX Runtime adds in float, fused on ARM and not on x86; XNNPACK (`qs8-vadd`) with multipliers
    of 20 bits, the same on both. Most scales have one such pair.
    """
    found = parity(lite0, f"{board}@emulator", "litert", "onnxruntime")
    assert found.agrees
    assert len(found.layers) == 2 * 61
    for layer in found.layers:
        assert layer.here is not None
        for difference in (layer.here, layer.reference):
            assert difference.max_lsb <= (1 if layer.op == "Add" else 0), layer.layer
            assert difference.equal >= 0.999 * difference.codes, layer.layer
        if layer.runtime == "litert":
            assert layer.here.equal == layer.here.codes, layer.layer
        assert layer.instructions is not None
    networks = {network.runtime: network.difference for network in found.networks if network.difference}
    assert networks["litert"].identical
    assert networks["onnxruntime"].agreement == 1.0
    assert networks["onnxruntime"].rms < 0.1


def test_mobilenet_v2_on_a_32_bit_board(mobilenet_v2_float: Path, tmp_path: Path) -> None:
    """tflite-runtime's kernels of two processors round apart by 1 LSB now and then; whole, the same class."""
    folder = int8_folder(mobilenet_v2_float, tmp_path, ("onnx", "tflite"))
    found = parity(folder, "armv7@emulator", "tflite-runtime")
    assert found.agrees
    here = [layer.here for layer in found.layers if layer.here is not None]
    assert len(here) == len(found.layers)
    assert max(each.max_lsb for each in here) <= 1
    assert sum(each.equal for each in here) >= 0.999 * sum(each.codes for each in here)
    (network,) = found.networks
    assert network.difference is not None
    assert network.difference.agreement == 1.0
