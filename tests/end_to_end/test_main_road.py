"""The whole road for a tiny network of a user's own: done, skipped, stopped, gone on with, out of disk."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from sepia.report.results import load_results

FILES = {
    "model.onnx", "model.tflite", "model.xml", "model.bin", "model.int8.onnx", "model.int8.tflite", "model.int8.xml",
    "model.int8.bin", "quantization.json", "check.json", "bench.json", "results.json", "report.html", "report.md",
    "report.csv", "report.json",
}  # fmt: skip


def partial(folder: Path) -> list[str]:
    """Temporary files that something left behind."""
    return [path.name for path in folder.rglob(".partial*")]


def test_from_torch_to_report_and_skipped_the_second_time(sepia, run_file: Path, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    first = sepia("run", run_file)
    assert first.returncode == 0, first.stderr
    folder = tmp_path / "build" / "tiny"
    assert {path.name for path in folder.iterdir()} >= FILES
    assert "report.html" in first.stdout
    rows = load_results(folder / "results.json").rows
    assert {(row.format, row.precision) for row in rows} >= {
        (format_, precision) for format_ in ("onnx", "tflite", "openvino") for precision in ("float", "int8")
    }
    assert {row.how for row in rows} == {"measured"}
    assert [row.failure for row in rows] == [None] * len(rows)
    assert {row.outputs for row in rows} == {"right"}
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()}
    second = sepia("run", run_file, "--json")
    assert second.returncode == 0, second.stderr
    assert all(step["skipped"] for step in json.loads(second.stdout)["steps"])
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()} == before


def test_a_change_repeats_what_hangs_on_it_and_no_more(sepia, run_file: Path) -> None:  # type: ignore[no-untyped-def]
    assert sepia("run", run_file).returncode == 0
    run_file.write_text(run_file.read_text().replace("seconds = 0.1", "seconds = 0.2"))
    again = sepia("run", run_file, "--json")
    skipped = {step["step"]: step["skipped"] for step in json.loads(again.stdout)["steps"]}
    assert skipped == {"export": True, "quantize": True, "check": True, "bench": False, "report": False}


def test_stopped_with_ctrl_c_it_leaves_nothing_half_written_and_goes_on(sepia, run_file: Path, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    process = subprocess.Popen(
        [sys.executable, "-m", "sepia", "run", str(run_file)],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    exported = tmp_path / "build" / "tiny" / ".steps" / "export.json"
    deadline = time.monotonic() + 120
    while not exported.exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60)
    # Stopped while it executed a string (as dataclasses do), Python ends itself by the signal: a shell sees 130 too.
    assert process.returncode in (130, -signal.SIGINT), said
    assert said.splitlines()[-1].startswith("sepia: stopped"), said
    assert "Traceback" not in said
    assert partial(tmp_path) == []
    again = sepia("run", run_file, "--json")
    assert again.returncode == 0, again.stderr
    skipped = {step["step"]: step["skipped"] for step in json.loads(again.stdout)["steps"]}
    assert skipped["export"]
    assert not skipped["report"]


@pytest.mark.skipif(os.geteuid() != 0, reason="a disk of its own is mounted, which takes root")
def test_a_full_disk_is_one_line_and_nothing_half_written(sepia, run_file: Path, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    disk = tmp_path / "build"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24k", "tmpfs", str(disk)], check=True)
    try:
        full = sepia("run", run_file)
        assert full.returncode == 1
        assert "No space left" in full.stderr.splitlines()[-1]
        assert "free some space" in full.stderr.splitlines()[-1]
        assert partial(disk) == []
        whole = [path.name for path in (disk / "tiny").iterdir() if path.is_file()] if (disk / "tiny").exists() else []
        subprocess.run(["mount", "-o", "remount,size=200m", str(disk)], check=True)
        again = sepia("run", run_file)
        assert again.returncode == 0, again.stderr
        assert set(whole) <= {path.name for path in (disk / "tiny").iterdir()}
    finally:
        subprocess.run(["umount", str(disk)], check=True)


def test_the_same_by_hand(sepia, nets: Path, run_file: Path, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    assert sepia("export", f"{nets}:tiny", "-o", "tiny").returncode == 0
    quantised = sepia("quantize", "tiny", "--calibrate", "data.npy", "--json")
    assert quantised.returncode == 0, quantised.stderr
    assert json.loads(quantised.stdout)
    checked = sepia("check", "tiny", "--calibrate", "data.npy", "--json")
    assert checked.returncode == 0, checked.stderr
    benched = sepia("bench", "tiny", "--seconds", "0.1", "--json")
    assert benched.returncode == 0, benched.stderr
    assert json.loads(benched.stdout)["rows"]
    assert sepia("report", "tiny/results.json", "-o", "out").returncode == 0
    assert (tmp_path / "out" / "report.html").is_file()
    same = sepia("compare", "tiny/results.json", "tiny/results.json")
    assert same.returncode == 0, same.stderr
    shutil.rmtree(tmp_path / "tiny")
