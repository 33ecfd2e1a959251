"""What a user can get wrong, at the command line: one line, exit code 1, nothing written."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest


def refused(found, *words: str) -> str:  # type: ignore[no-untyped-def]
    """The one line that a refusal is."""
    assert found.returncode == 1, (found.returncode, found.stdout, found.stderr)
    assert found.stdout == ""
    assert "Traceback" not in found.stderr
    line = str(found.stderr.splitlines()[-1])
    assert line.startswith("sepia: ")
    for word in words:
        assert word in line, (word, line)
    return line


@pytest.mark.parametrize(
    ("content", "word"),
    [(None, "does not exist"), (b"", "empty"), (b"\x08\x07\x12", "ONNX"), (b"not a model at all", "ONNX")],
    ids=["missing", "empty", "truncated", "not ONNX"],
)
def test_a_file_that_is_no_onnx(sepia, tmp_path: Path, content: bytes | None, word: str) -> None:  # type: ignore[no-untyped-def]
    if content is not None:
        (tmp_path / "net.onnx").write_bytes(content)
    refused(sepia("export", "net.onnx", "-o", "out"), "net.onnx", word)
    assert not list(tmp_path.glob("out/*"))


@pytest.mark.parametrize(
    ("factory", "words"),
    [
        ("raises", ("no weights on this machine",)),
        ("nothing", ("nothing", "int")),
        ("tinny", ("tinny", "tiny")),
    ],
)
def test_a_factory_that_gives_no_network(
    sepia, nets: Path, tmp_path: Path, factory: str, words: tuple[str, ...]
) -> None:  # type: ignore[no-untyped-def]
    refused(sepia("export", f"nets.py:{factory}", "-o", "out"), *words)
    assert not list(tmp_path.glob("out/*"))


def test_an_op_that_tflite_cannot_carry_is_named_and_nothing_is_written(sepia, nets: Path, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    refused(sepia("export", "nets.py:unsupported", "-o", "out"), "TFLite", "CumSum", "--formats onnx,openvino")
    assert list((tmp_path / "out").iterdir()) == []
    assert sepia("export", "nets.py:unsupported", "-o", "out", "--formats", "onnx,openvino").returncode == 0


def test_an_unknown_zoo_name_lists_the_nearest(sepia) -> None:  # type: ignore[no-untyped-def]
    refused(sepia("export", "mobilnet-v2", "-o", "out"), "mobilnet-v2", "mobilenet-v2")


def test_an_unknown_format(sepia) -> None:  # type: ignore[no-untyped-def]
    refused(sepia("export", "mobilenet-v2", "-o", "out", "--formats", "tflit"), "unknown format 'tflit'", "tflite")


def test_quantize_before_export(sepia, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    (tmp_path / "empty").mkdir()
    refused(sepia("quantize", "empty"), "model.onnx", "no such file", "sepia export SOURCE")


@pytest.fixture
def exported(sepia, nets: Path, tmp_path: Path) -> Path:  # type: ignore[no-untyped-def]
    assert sepia("export", "nets.py:tiny", "-o", "tiny", "--formats", "onnx").returncode == 0
    return tmp_path / "tiny"


def test_calibration_that_cannot_be_used(sepia, exported: Path, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    before = sorted(path.name for path in exported.iterdir())
    (tmp_path / "photos").mkdir()
    np.save(tmp_path / "wide.npy", np.zeros((2, 3, 64, 64), np.float32))
    np.save(tmp_path / "nan.npy", np.full((2, 3, 32, 32), np.nan, np.float32))
    refused(sepia("quantize", "tiny", "--calibrate", "nowhere"), "nowhere")
    refused(sepia("quantize", "tiny", "--calibrate", "photos"), "photos")
    refused(sepia("quantize", "tiny", "--calibrate", "wide.npy"), "64", "32")
    refused(sepia("quantize", "tiny", "--calibrate", "nan.npy"), "nan.npy")
    refused(sepia("quantize", "tiny", "--calibrate", "wide.npy", "--recipe", "mxe"), "mxe", "mse")
    assert sorted(path.name for path in exported.iterdir()) == before


def test_an_unknown_runtime_lists_the_nearest(sepia, exported: Path) -> None:  # type: ignore[no-untyped-def]
    refused(sepia("check", "tiny", "--runtime", "onnxrutime"), "onnxrutime", "onnxruntime")
    refused(sepia("bench", "tiny", "--target", "host-debian12-litrt-t1"), "litrt", "litert")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere: a read-only file system stands in, below")
def test_an_output_folder_without_permission(sepia, nets: Path, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    (tmp_path / "locked").mkdir(mode=0o555)
    refused(sepia("export", "nets.py:tiny", "-o", "locked"), "locked", "choose a folder")


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting takes root: a folder without permission stands in, above")
def test_an_output_folder_on_a_read_only_file_system(sepia, nets: Path, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    import subprocess

    locked = tmp_path / "locked"
    locked.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "ro,size=1m", "tmpfs", str(locked)], check=True)
    try:
        refused(sepia("export", "nets.py:tiny", "-o", "locked"), "locked", "choose a folder")
    finally:
        subprocess.run(["umount", str(locked)], check=True)


def test_an_unknown_key_in_the_run_file(sepia, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    (tmp_path / "sepia.toml").write_text('[[model]]\nsource = "mobilenet-v2"\n[quantise]\nrecipes = ["mse"]\n')
    refused(sepia("run"), "sepia.toml", "unknown key 'quantise'", "quantize")
