"""EfficientNet-Lite0 int8 by the wheels' own kernels on three cores: instructions an inference, the same twice.

int8 activations in the ONNX file. A Cortex-A53 gets kernels of its own from XNNPACK (4 products an instruction, by
lane), a Cortex-A72 those that widen to 16 bits (8 products); both have the same instruction set. With the processor
of an A72 in /proc/cpuinfo an A53 counts as the A72 does.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from sepia.check.model_folder import ModelFolder
from sepia.devices.emulator.counts import Counts, fewest
from sepia.devices.emulator.transport import EmulatorTransport
from sepia.devices.probe import probe
from sepia.devices.profile import PROFILES
from sepia.devices.provision.provision import provision, push_program
from sepia.pipeline.quantize_files import QuantizeOptions, quantize_files
from support.needs import need_programs

pytestmark = pytest.mark.slow

MILLIONS = {
    ("pizero2w", "onnxruntime"): 158.7,
    ("pizero2w", "litert"): 167.7,
    ("pi4", "onnxruntime"): 158.7,
    ("pi4", "litert"): 140.2,
    ("pi5", "onnxruntime"): 74.8,
    ("pi5", "litert"): 63.1,
}
"""Board and runtime → millions of instructions, ONNX Runtime 1.32 and LiteRT 2.3."""


@pytest.fixture(scope="module")
def int8_files(lite0_float: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("lite0")
    shutil.copy(lite0_float, folder / "model.onnx")
    made = ModelFolder(folder)
    quantize_files(made, made, QuantizeOptions(images=16, activations="int8"), formats=("onnx", "tflite"))
    return {"onnxruntime": folder / "model.int8.onnx", "litert": folder / "model.int8.tflite"}


@pytest.mark.parametrize("board", ["pizero2w", "pi4", "pi5"])
def test_instructions_of_an_inference(board: str, int8_files: dict[str, Path], tmp_path: Path) -> None:
    need_programs(qemu_aarch64="qemu-user", apt_get="apt", dpkg_deb="dpkg", cc="gcc")
    profile = PROFILES[board]
    with EmulatorTransport(profile, profile.system(), name=f"{board}@emulator") as transport:
        installed = provision(transport, probe(transport), list(int8_files))
        program = push_program(transport)
        for runtime, file in int8_files.items():
            command = ["python3", program, "--runtime", runtime, "--model", str(file), "--counted", "3", "--no-layers"]
            counted: list[Counts] = []
            for name in ("once", "twice"):
                counting = transport.counting(tmp_path / runtime / name)
                environment = installed[runtime].environment
                ran = counting.run(command, deadline=600, environment=environment, guarded=True)
                assert ran.code == 0, ran.err
                assert [number for number, _ in counting.counts()] == [0, 1, 2]
                counted.append(fewest(counts for _, counts in counting.counts()))
            assert counted[0].total == pytest.approx(counted[1].total, rel=1e-3)
            assert counted[0].total == pytest.approx(MILLIONS[board, runtime] * 1e6, rel=0.03)
            # 385 M products: 16 an SDOT where there is one, else none.
            assert (counted[0].dot > 20e6) == (board == "pi5")
