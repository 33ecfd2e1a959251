"""A model's files reach their folder together or not at all."""

from __future__ import annotations

from pathlib import Path

import onnx
import pytest
from sepia.check.model_folder import ModelFolder
from sepia.errors import GraphError, OutputError
from sepia.pipeline.all_or_none import all_or_none
from sepia.pipeline.export_files import export_files
from support.graphs import tiny_separable


def contents(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in folder.iterdir()}


def test_what_was_made_is_moved_and_the_rest_stays(tmp_path: Path) -> None:
    (tmp_path / "model.onnx").write_bytes(b"old")
    (tmp_path / "report.html").write_bytes(b"kept")
    with all_or_none(ModelFolder(tmp_path)) as made:
        for name in ("model.onnx", "model.xml", "model.bin"):
            (made.path / name).write_bytes(b"new")
        assert (tmp_path / "model.onnx").read_bytes() == b"old"
    assert contents(tmp_path) == {
        "model.onnx": b"new", "model.xml": b"new", "model.bin": b"new", "report.html": b"kept",
    }  # fmt: skip


def test_an_error_leaves_what_was_there_and_names_files_as_they_would_be_called(tmp_path: Path) -> None:
    (tmp_path / "model.onnx").write_bytes(b"old")
    with pytest.raises(GraphError) as told, all_or_none(ModelFolder(tmp_path)) as made:
        (made.path / "model.onnx").write_bytes(b"new")
        raise GraphError(str(made.path / "model.onnx"), "is refused")
    assert str(told.value) == f"{tmp_path / 'model.onnx'}: is refused"
    assert contents(tmp_path) == {"model.onnx": b"old"}


def test_a_folder_in_the_place_of_a_file_is_told_before_any_is_moved(tmp_path: Path) -> None:
    (tmp_path / "model.tflite").mkdir()
    with (
        pytest.raises(OutputError, match=r"model\.tflite: cannot be written"),
        all_or_none(ModelFolder(tmp_path)) as made,
    ):
        for name in ("model.onnx", "model.tflite"):
            (made.path / name).write_bytes(b"new")
    assert [file.name for file in tmp_path.iterdir()] == ["model.tflite"]


def test_weights_beside_a_users_file_come_into_the_one(tmp_path: Path) -> None:
    source = tmp_path / "theirs" / "net.onnx"
    source.parent.mkdir()
    onnx.save(tiny_separable(), str(source), save_as_external_data=True, location="net.weights", size_threshold=0)
    assert (source.parent / "net.weights").stat().st_size > 0
    done = export_files(str(source), ModelFolder(tmp_path / "made"), formats=("onnx", "openvino"))
    assert set(done.files) == {"onnx", "openvino"}
    made = onnx.load(str(tmp_path / "made" / "model.onnx"), load_external_data=False)
    assert all(tensor.data_location != onnx.TensorProto.EXTERNAL for tensor in made.graph.initializer)
