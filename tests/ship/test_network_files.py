"""The file that a target's runtime prefers, with what goes in and comes out; or a program built for its processor."""

from __future__ import annotations

import platform
import subprocess
from pathlib import Path

import numpy as np
import pytest
from sepia.check.model_folder import ModelFolder
from sepia.devices.target import Target
from sepia.errors import InputError
from sepia.export.onnx_to_c import find_compiler
from sepia.ship.agent.archive import unpack
from sepia.ship.bundle import make_bundle
from sepia.ship.licences import OURS
from sepia.ship.network_files import PROGRAM, network_files
from support.c_programs import compiler_for

HERE = "host-debian12-native-t1"


def test_a_file_with_integer_ends_tells_their_scales(model_folder: Path, tmp_path: Path) -> None:
    from sepia.pipeline.translate_files import translate_files

    folder = ModelFolder(model_folder)
    translate_files(folder, "int8", ("tflite",), io="int8")
    found = network_files(folder, Target.parse("pi4-bookworm64-litert-t1"), tmp_path)
    (given,), (made,) = found.inputs, found.outputs
    assert (given["dtype"], given["layout"], given["shape"]) == ("int8", "NHWC", [1, 16, 16, 3])
    assert given["scale"] > 0 and isinstance(given["zero_point"], int)
    assert made["dtype"] == "int8" and made["layout"] == "as is"


def test_onnx_keeps_its_own_order_of_axes(made_once: Path, tmp_path: Path) -> None:
    found = network_files(ModelFolder(made_once), Target.parse("pi4-bookworm64-onnxruntime-t1"), tmp_path)
    assert [(end["layout"], end["shape"], end["scale"]) for end in found.inputs] == [("NCHW", [1, 3, 16, 16], None)]


def test_a_missing_file_is_told_with_what_makes_it(tmp_path: Path) -> None:
    for runtime in ("litert", "native"):
        with pytest.raises(InputError, match="next: make it with: sepia quantize"):
            network_files(ModelFolder(tmp_path), Target.parse(f"host-debian12-{runtime}-t1"), tmp_path)


@pytest.mark.slow
def test_a_program_goes_with_raw_golden_files_and_our_licence(made_once: Path, tmp_path: Path) -> None:
    compiler_for(platform.machine())
    bundle = make_bundle(made_once, HERE, "1.0.0", tmp_path)
    manifest = bundle.manifest
    assert (manifest.program, manifest.network, manifest.runtime) == (PROGRAM, PROGRAM, "native")
    assert {file.path: file.role for file in manifest.files} == {
        "golden/inputs.bin": "golden",
        "golden/outputs.bin": "golden",
        "golden/tolerance.json": "golden",
        "labels.txt": "labels",
        OURS: "licence",
        PROGRAM: "program",
        "sbom.cdx.json": "sbom",
    }
    compiler = find_compiler(platform.machine()).version.split()
    assert manifest.provenance["tools"][compiler[0]] == compiler[1]
    unpack(bundle.path, tmp_path / "folder")
    golden = tmp_path / "folder" / "golden"
    ran = subprocess.run(
        [tmp_path / "folder" / PROGRAM], input=(golden / "inputs.bin").read_bytes(), capture_output=True, check=True
    )
    right = np.frombuffer((golden / "outputs.bin").read_bytes(), "<f4")
    error = np.frombuffer(ran.stdout, "<f4") - right
    assert 0 < np.sqrt(np.mean(error**2)) < 0.05 * np.abs(right).max()


@pytest.mark.slow
def test_a_program_is_the_same_when_built_twice_and_another_for_a_zero(made_once: Path, tmp_path: Path) -> None:
    compiler_for("armv6l")
    first, second = (make_bundle(made_once, HERE, "1", tmp_path / name).sha256 for name in "ab")
    assert first == second
    zero = make_bundle(made_once, "pizero-bookworm32-native-t1", "1", tmp_path)
    unpack(zero.path, tmp_path / "folder")
    header = (tmp_path / "folder" / PROGRAM).read_bytes()[:20]
    assert header[:5] == b"\x7fELF\x01" and header[18:20] == b"\x28\x00"  # 32 bits, ARM
