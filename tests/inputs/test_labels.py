"""Class names survive their metadata; ImageNet's are in the order of the logits."""

from __future__ import annotations

from pathlib import Path

import pytest
from sepia.errors import InputError
from sepia.inputs import imagenet_labels, labels_from_json, labels_to_json, read_labels
from sepia.inputs.labels import imagenet_index


def test_imagenets_names() -> None:
    labels = imagenet_labels()
    assert len(labels) == 1000
    assert (labels[0], labels[388], labels[999]) == ("tench", "giant panda", "toilet paper")


def test_synsets() -> None:
    assert (imagenet_index("n01440764"), imagenet_index("n15075141"), imagenet_index("n00000000")) == (0, 999, None)


def test_json_there_and_back() -> None:
    labels = ("ant", "bœuf", "猫", 'a "quoted" one')
    assert labels_from_json(labels_to_json(labels)) == labels


@pytest.mark.parametrize(
    ("text", "message"),
    [("[", "a.onnx: sepia.labels is not JSON"), ("{}", "a.onnx: sepia.labels is no list of names"), ("[1]", "no list")],
)
def test_spoilt_metadata_is_refused(text: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        labels_from_json(text, where="a.onnx")


def test_a_file_of_labels(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("ant\n bee \n")
    assert read_labels(tmp_path / "a.txt") == ("ant", "bee")


@pytest.mark.parametrize(("text", "message"), [("", "is empty"), ("ant\n\nbee\n", "has an empty line")])
def test_a_spoilt_file_of_labels(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "a.txt").write_text(text)
    with pytest.raises(InputError, match=rf"a\.txt: {message}; accepted: one name a line"):
        read_labels(tmp_path / "a.txt")


def test_a_missing_file_of_labels(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"gone\.txt: cannot be read as labels"):
        read_labels(tmp_path / "gone.txt")
