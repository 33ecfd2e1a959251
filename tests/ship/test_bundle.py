"""A model's folder and a target become one file: the right network, what proves it, what it is, the same each time."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from sepia.errors import ConfigError, InputError
from sepia.files import digest
from sepia.runtime import RUNTIMES
from sepia.runtime.bench import Golden
from sepia.ship.agent.archive import check, unpack
from sepia.ship.agent.manifest import Bounds
from sepia.ship.bundle import Bundle, make_bundle
from support.model_folders import LABELS, PREPARATION, write_results
from support.sample_results import make_row

LITERT, ONNX, OPENVINO = (f"pi4-bookworm64-{runtime}-t4" for runtime in ("litert", "onnxruntime", "openvino"))


@pytest.fixture(scope="module")
def bundle(made_once: Path, tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    return make_bundle(made_once, LITERT, "1.0.0", tmp_path_factory.mktemp("bundle"))


@pytest.fixture(scope="module")
def folder(bundle: Bundle, tmp_path_factory: pytest.TempPathFactory) -> Path:
    unpacked = tmp_path_factory.mktemp("unpacked") / "folder"
    unpack(bundle.path, unpacked)
    return unpacked


def test_it_is_one_file_named_by_model_version_and_target(bundle: Bundle) -> None:
    assert bundle.path.name == "tiny-1.0.0-pi4-bookworm64-litert-t4.sepia"
    assert (bundle.sha256, bundle.bytes) == (digest(bundle.path), bundle.path.stat().st_size)
    assert check(bundle.path) == bundle.manifest
    assert list(bundle.path.parent.iterdir()) == [bundle.path]
    assert json.loads(json.dumps(bundle.to_json()))["manifest"]["version"] == "1.0.0"


@pytest.mark.parametrize(
    ("target", "files"),
    [
        (LITERT, ["model.int8.tflite"]),
        (ONNX, ["model.int8.onnx"]),
        (OPENVINO, ["model.int8.bin", "model.int8.xml"]),
    ],
)
def test_each_runtime_gets_the_file_that_it_prefers_and_twice_the_same(
    made_once: Path, tmp_path: Path, target: str, files: list[str]
) -> None:
    first, second = (make_bundle(made_once, target, "1", tmp_path / name) for name in "ab")
    assert first.path.read_bytes() == second.path.read_bytes()
    manifest = first.manifest
    assert [file.path for file in manifest.of_role("network")] == files
    assert manifest.network == files[-1] and manifest.program is None
    assert {file.sha256 for file in manifest.of_role("network")} == {digest(made_once / name) for name in files}
    assert [file.path for file in manifest.of_role("golden")] == [
        "golden/inputs.npz",
        "golden/outputs.npz",
        "golden/tolerance.json",
    ]


def test_it_carries_preparation_labels_and_the_shapes_of_its_ends(bundle: Bundle, folder: Path) -> None:
    manifest = bundle.manifest
    assert {key: manifest.preparation[key] for key in ("height", "resize", "colour")} == {
        "height": PREPARATION.height,
        "resize": PREPARATION.resize,
        "colour": "RGB",
    }
    (given,) = manifest.preparation["inputs"]
    assert (given["shape"], given["layout"], given["dtype"]) == ([1, 16, 16, 3], "NHWC", "float32")
    labels = (folder / "labels.txt").read_text(encoding="utf-8").splitlines()
    assert labels == [*LABELS[:9], "née trout"]


def test_its_golden_outputs_are_right_in_bench(folder: Path) -> None:
    golden = Golden(str(folder / "golden"))
    with RUNTIMES["litert"].open(folder / "model.int8.tflite") as session:
        runs = [{name: array[at : at + 1] for name, array in golden.inputs.items()} for at in range(2)]
        told = golden.check(runs, lambda feeds: session.run(feeds))
        wrong = golden.check(runs[::-1], lambda feeds: session.run(feeds))
    assert told["ok"] and told["samples"] == 2
    assert not wrong["ok"]


# --- the same each time -------------------------------------------------------------------------------------------


_AGAIN = """
import os, sys, time
from pathlib import Path
os.umask(int(sys.argv[4], 8))
from sepia.ship.bundle import make_bundle
print(make_bundle(Path(sys.argv[1]), sys.argv[2], "1.0.0", Path(sys.argv[3])).sha256)
"""


def test_another_process_folder_time_zone_and_umask_make_the_same(
    bundle: Bundle, model_folder: Path, tmp_path: Path
) -> None:
    for path in model_folder.rglob("*"):
        os.utime(path, (1, 1))
        path.chmod(0o600)
    words = [sys.executable, "-c", _AGAIN, str(model_folder), LITERT, str(tmp_path / "elsewhere"), "077"]
    environment = {**os.environ, "TZ": "Asia/Tokyo", "LC_ALL": "C", "PYTHONHASHSEED": "7", "TMPDIR": str(tmp_path)}
    ran = subprocess.run(words, capture_output=True, text=True, check=True, env=environment, cwd=tmp_path)
    assert ran.stdout.split() == [bundle.sha256]


def test_another_network_makes_another(bundle: Bundle, model_folder: Path, tmp_path: Path) -> None:
    from sepia.check.model_folder import ModelFolder
    from sepia.pipeline.quantize_files import QuantizeOptions, quantize_files

    found = ModelFolder(model_folder)
    quantize_files(found, found, QuantizeOptions(images=3))
    assert make_bundle(model_folder, LITERT, "1.0.0", tmp_path).sha256 != bundle.sha256


def test_no_path_or_time_of_this_machine_is_in_it(bundle: Bundle, made_once: Path) -> None:
    data = bundle.path.read_bytes()
    for told in (str(made_once.parent), "/tmp/", "/home/", os.uname().nodename):
        assert told.encode() not in data


# --- figures and bounds -------------------------------------------------------------------------------------------


def _row(**changes: object) -> object:
    fields = {"file": "model.int8.tflite", "target": LITERT, "threads": 4, "peak_rss_bytes": 40_000_000}
    return make_row(**fields | changes)


def test_a_measured_figure_of_that_target_bounds_it(model_folder: Path, tmp_path: Path) -> None:
    write_results(model_folder, _row(latency_ms=10.0))
    bundle = make_bundle(model_folder, LITERT, "1", tmp_path / "a")
    assert bundle.manifest.bounds == Bounds(15.0, 50_000_000)
    assert bundle.manifest.provenance["source"] == "nets.py:tiny"
    unpack(bundle.path, tmp_path / "folder")
    told = json.loads((tmp_path / "folder" / "report.json").read_text())
    assert [(row["target"], row["how"], row["latency_ms"]) for row in told["rows"]] == [(LITERT, "measured", 10.0)]


def test_what_the_caller_says_counts_more(model_folder: Path, tmp_path: Path) -> None:
    write_results(model_folder, _row(latency_ms=10.0))
    bundle = make_bundle(model_folder, LITERT, "1", tmp_path, max_latency_ms=7, max_rss_mb=64)
    assert bundle.manifest.bounds == Bounds(7, 64_000_000)


def test_without_figures_there_are_no_bounds(bundle: Bundle) -> None:
    assert bundle.manifest.bounds == Bounds()
    assert bundle.manifest.of_role("report") == ()


@pytest.mark.parametrize(
    ("bounds", "told"),
    [({"max_latency_ms": 0}, "max latency: is 0"), ({"max_rss_mb": -1}, "max memory: is -1"),
     ({"max_latency_ms": float("nan")}, "max latency: is nan")],
)  # fmt: skip
def test_bounds_that_nothing_can_meet_are_refused(made_once: Path, tmp_path: Path, bounds: dict, told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        make_bundle(made_once, LITERT, "1", tmp_path, **bounds)


# --- what goes with it, and what is refused -----------------------------------------------------------------------


def test_the_users_licences_go_with_it(made_once: Path, tmp_path: Path) -> None:
    (tmp_path / "WEIGHTS.txt").write_text("mine")
    bundle = make_bundle(made_once, LITERT, "1", tmp_path / "out", licences=[tmp_path / "WEIGHTS.txt"])
    assert [file.path for file in bundle.manifest.of_role("licence")] == ["licences/WEIGHTS.txt"]


def test_float_files_may_lie_in_the_folder_above(model_folder: Path, tmp_path: Path) -> None:
    recipe = model_folder / "mse"
    recipe.mkdir()
    for path in [*model_folder.glob("model.int8.*"), model_folder / "quantization.json"]:
        shutil.move(path, recipe)
    bundle = make_bundle(recipe, LITERT, "1", tmp_path)
    assert bundle.manifest.model == "mse"
    assert bundle.manifest.provenance["onnx"]["float"] == digest(model_folder / "model.onnx")


@pytest.mark.parametrize(
    ("missing", "target", "told"),
    [
        ("model.int8.tflite", LITERT, "next: make it with: sepia quantize"),
        ("model.int8.onnx", LITERT, "next: make it with: sepia quantize"),
        ("model.onnx", LITERT, "next: make it with: sepia export"),
        ("model.int8.bin", OPENVINO, r"model\.int8\.bin: no such file"),
    ],
)
def test_a_file_that_is_missing_is_told_with_what_makes_it(
    model_folder: Path, tmp_path: Path, missing: str, target: str, told: str
) -> None:
    (model_folder / missing).unlink()
    with pytest.raises(InputError, match=told):
        make_bundle(model_folder, target, "1", tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("target", "version", "model", "told"),
    [
        ("pi4", "1", None, "'pi4' is not the name of a target"),
        (LITERT, "1 0", None, "'1 0' is no name of a version"),
        (LITERT, "../1", None, "'../1' is no name of a version"),
        (LITERT, "1", "Tiny", "'Tiny' is no name of a model"),
        (LITERT, "v" * 65, None, "is no name of a version"),
    ],
)
def test_names_that_cannot_be_are_refused_before_any_work(
    tmp_path: Path, target: str, version: str, model: str | None, told: str
) -> None:
    with pytest.raises(ConfigError, match=told):
        make_bundle(tmp_path / "tiny", target, version, tmp_path, model=model)


def test_a_bundle_takes_the_place_of_an_older_one(made_once: Path, tmp_path: Path) -> None:
    path = tmp_path / "tiny-1-pi4-bookworm64-litert-t4.sepia"
    path.write_text("old")
    assert make_bundle(made_once, LITERT, "1", tmp_path).path == path
    check(path)
