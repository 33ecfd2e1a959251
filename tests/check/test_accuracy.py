"""Accuracy on a small labelled folder, against a count by hand."""

from __future__ import annotations

import json

import numpy as np
import onnxruntime as ort
import pytest
import sepia.check.accuracy
from PIL import Image
from sepia.check.accuracy import accuracy
from sepia.errors import InputError
from sepia.inputs import Preparation
from sepia.inputs.labelled_folder import LabelledFolder
from sepia.inputs.photo import read_photo
from sepia.runtime import RUNTIMES
from support.fake_runtime import FakeRuntime, clip_weights

PREPARATION = Preparation(height=16, width=16, resize=16)


@pytest.fixture(scope="module")
def folder(tmp_path_factory, networks):
    """Twelve pictures: seven labels are the first guess of the float network, three its fifth, two its sixth."""
    path = tmp_path_factory.mktemp("photos")
    rng = np.random.default_rng(8)
    session = ort.InferenceSession(networks[0].path, providers=["CPUExecutionProvider"])
    for at in range(12):
        picture = Image.fromarray(rng.integers(0, 256, (16, 16, 3), dtype=np.uint8))
        picture.save(path / "new.png")
        logits = session.run(None, {"image": read_photo(path / "new.png", PREPARATION)[None]})[0][0]
        label = int(np.argsort(-logits)[0 if at < 7 else 4 if at < 10 else 5])
        (path / "new.png").rename(path / f"{label:03d}_{at}.png")
    return LabelledFolder(path)


def _known(*fakes: FakeRuntime):
    return {"onnxruntime": RUNTIMES["onnxruntime"], **{fake.name: fake for fake in fakes}}


def test_every_figure_is_that_of_a_count_by_hand(networks, folder):
    rows = accuracy(networks, folder, PREPARATION, ["onnxruntime"])

    logits = {}
    for file in networks:
        session = ort.InferenceSession(file.path, providers=["CPUExecutionProvider"])
        logits[file] = np.concatenate(
            [session.run(None, {"image": read_photo(path, PREPARATION)[None]})[0] for path, _ in folder]
        )
    labels = np.array([label for _, label in folder])
    plain = logits[networks[0]]
    for row, file in zip(rows, networks, strict=True):
        order = np.argsort(-logits[file], axis=1, kind="stable")
        assert (row.file, row.images, row.outputs) == (file.path.name, 12, "right")
        assert row.top1 == np.mean(order[:, 0] == labels)
        assert row.top5 == np.mean((order[:, :5] == labels[:, None]).any(1))
        assert row.agreement == np.mean(order[:, 0] == plain.argmax(1))
        assert row.rms == pytest.approx(np.sqrt(np.mean((logits[file] - plain).astype(float) ** 2)), rel=1e-5)
    assert (rows[0].top1, rows[0].top5) == (7 / 12, 10 / 12)
    assert (rows[0].agreement, rows[0].rms) == (1, 0)


def test_each_photo_is_prepared_once_however_many_runtimes(networks, folder, monkeypatch):
    read = []

    def counting(path, preparation):
        read.append(path)
        return read_photo(path, preparation)

    monkeypatch.setattr(sepia.check.accuracy, "read_photo", counting)
    fakes = [FakeRuntime(name) for name in ("one", "two")]

    accuracy(networks, folder, PREPARATION, ["one", "two"], known=_known(*fakes), judge=lambda *_: "")

    assert read == [path for path, _ in folder]


def test_a_runtime_with_wrong_outputs_is_not_run_and_has_no_figures(networks, folder):
    clips = FakeRuntime("clips", rewrite=clip_weights)

    float_row, int8_row = accuracy(networks, folder, PREPARATION, ["clips"], known=_known(clips))

    assert float_row.outputs == "right"
    assert int8_row.outputs == "wrong"
    assert "saturates" in int8_row.reason
    figures = (int8_row.top1, int8_row.top5, int8_row.agreement, int8_row.rms, int8_row.images)
    assert figures == (None, None, None, None, 0)


def test_a_runtime_that_fails_is_kept_with_its_reason(networks, folder):
    fake = FakeRuntime(refuses="no such op")

    rows = accuracy(networks, folder, PREPARATION, ["fake", "onnxruntime"], known=_known(fake), judge=lambda *_: "")

    assert [(row.runtime, row.outputs) for row in rows] == [
        ("fake", "not checked"), ("onnxruntime", "right"), ("fake", "not checked"), ("onnxruntime", "right"),
    ]  # fmt: skip
    assert "no such op" in rows[0].failure
    assert rows[0].top1 is None


def test_a_limit_takes_photos_evenly(networks, folder, monkeypatch):
    seen = []

    accuracy(networks[:1], folder, PREPARATION, ["onnxruntime"], limit=4, progress=lambda *told: seen.append(told))

    names = [path.name for path, _ in folder]
    assert seen == [(names[at], done, 4) for done, at in enumerate((0, 3, 6, 9), start=1)]


def test_without_a_float_file_there_is_no_agreement(networks, folder):
    (row,) = accuracy(networks[1:], folder, PREPARATION, ["onnxruntime"])

    assert row.top1 is not None
    assert (row.agreement, row.rms) == (None, None)


def test_top5_of_five_classes_says_nothing(tmp_path, folder):
    from support.float_and_int8 import float_and_int8

    for path, _ in folder:
        Image.open(path).save(tmp_path / f"000_{path.name}")

    rows = accuracy(float_and_int8(tmp_path, classes=5), _flat(tmp_path), PREPARATION, ["onnxruntime"])

    assert all(row.top5 is None and row.top1 is not None for row in rows)


def _flat(path):
    photos = path / "photos"
    photos.mkdir()
    for file in path.glob("*.png"):
        file.rename(photos / file.name)
    return LabelledFolder(photos)


def test_a_class_that_the_network_does_not_have_is_an_error(networks, tmp_path):
    Image.new("RGB", (16, 16)).save(tmp_path / "010_x.png")

    with pytest.raises(InputError, match=r"010_x.png: is of class 10; accepted: 0 to 9"):
        accuracy(networks, LabelledFolder(tmp_path), PREPARATION, ["onnxruntime"])


def test_a_broken_photo_is_an_error_that_names_it(networks, tmp_path):
    (tmp_path / "001_x.png").write_bytes(b"\x89PNG nothing")

    with pytest.raises(InputError, match=r"001_x\.png"):
        accuracy(networks, LabelledFolder(tmp_path), PREPARATION, ["onnxruntime"])


def test_rows_are_json(networks, folder):
    rows = accuracy(networks, folder, PREPARATION, ["onnxruntime"], limit=1)

    assert json.loads(json.dumps([row.to_json() for row in rows], allow_nan=False))[0]["runtime"] == "onnxruntime"
