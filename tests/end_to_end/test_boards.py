"""The whole road on boards, by the command line: three boards at once, each with its own system, over real SSH."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from sepia.report.results import Results, load_results
from support.arm_board import ArmBoard

Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """`sepia …` with the boards' keys known and an inventory of its own."""

    def call(boards: Mapping[str, ArmBoard], *arguments: object) -> subprocess.CompletedProcess[str]:
        config = tmp_path / "ssh_config"
        # Each board's own file speaks of its own address alone.
        config.write_text("".join(f"Include {board.ssh_config}\n" for board in boards.values()))
        return subprocess.run(
            [sys.executable, "-m", "sepia", *map(str, arguments)],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=500,
            check=False,
            env=os.environ
            | {"COLUMNS": "200", "SEPIA_SSH_CONFIG": str(config), "SEPIA_CONFIG": str(tmp_path / "config")},
        )

    return call


@pytest.fixture
def folder(sepia, nets: Path, run_file: Path, tmp_path: Path) -> Path:  # type: ignore[no-untyped-def]
    """A tiny network, float and int8, in every format."""
    made = tmp_path / "tiny"
    for words in (("export", "nets.py:tiny", "-o", made), ("quantize", made, "--calibrate", "data.npy")):
        done = sepia(*words)
        assert done.returncode == 0, done.stderr
    return made


def test_probe_provision_bench_report(  # type: ignore[no-untyped-def]
    run: Run, folder: Path, arm64_board: ArmBoard, armhf_board: ArmBoard, armel_board: ArmBoard
) -> None:
    boards = {"desk": arm64_board, "shed": armhf_board, "zero": armel_board}
    kinds = {"desk": "pi4", "shed": "pi3bplus", "zero": "pizero"}
    for name, board in boards.items():
        added = run(boards, "devices", "add", name, f"{kinds[name]}@{board.destination}")
        assert added.returncode == 0, added.stderr

    targets = [word for name in boards for word in ("--target", name)]
    done = run(boards, "bench", folder, *targets, "--threads", "1", "--seconds", "0.2", "--repeats", "0")
    assert done.returncode == 1, done.stderr  # the Zero has no runtime
    results = load_results(folder / "results.json")
    # qemu 7.2 does not run OpenVINO's kernels for this core: a row each with the reason, and the others go on.
    assert {row.runtime for row in results.rows if row.failure} <= {"openvino"}, done.stdout
    assert {(row.target.split("-")[0], row.runtime) for row in results.rows} == {
        ("desk", "onnxruntime"),
        ("desk", "litert"),
        ("desk", "tflite-runtime"),
        ("desk", "openvino"),
        ("shed", "tflite-runtime"),
    }, done.stdout + done.stderr
    assert {row.outputs for row in results.rows if not row.failure} == {"right"}
    assert {row.how for row in results.rows} == {"measured"}
    assert "no runtime has a wheel for ARMv6" in failure(results, "zero")
    assert [device.libc for device in results.devices if not device.failure] == ["2.36", "2.36"]

    reported = run(boards, "report", folder / "results.json", "-o", folder)
    assert reported.returncode == 0, reported.stderr
    page = (folder / "report.html").read_text(encoding="utf-8")
    assert "no runtime has a wheel for ARMv6" in page
    assert "desk-bookworm64-litert-t1" in page

    again = run(boards, "devices", "provision", "desk", "shed", "--json")
    assert again.returncode == 0, again.stderr
    assert '"pushed": true' not in again.stdout, "something was sent a second time"
    removed = run(boards, "devices", "provision", "desk", "shed", "--remove")
    assert removed.returncode == 0, removed.stderr
    for board in (arm64_board, armhf_board):
        assert not board.path("/home/pi/.sepia").exists()


def failure(results: Results, board: str) -> str:
    return next(device.failure or "" for device in results.devices if device.name.split("-")[0] == board)
