"""Calibration data from folders, arrays and the wheel; refusals say what was found and what was expected."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from sepia.errors import InputError
from sepia.inputs import Preparation, calibration_data, read_photo

_SMALL = Preparation(8, 8, 8)
_INPUTS = {"input": (1, 3, 8, 8)}


def _folder(path: Path, names: tuple[str, ...]) -> Path:
    for index, name in enumerate(names):
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (10, 10), (index, 0, 0)).save(path / name)
    return path


def test_a_folder_is_gone_through_sorted_and_below(tmp_path: Path) -> None:
    folder = _folder(tmp_path / "photos", ("b.png", "a/2.JPG", "a/10.png", ".hidden/x.png", "a/.y.png"))
    (folder / "notes.txt").write_text("no photo")
    data = calibration_data(folder, _INPUTS, _SMALL)
    expected = [read_photo(folder / name, _SMALL)[np.newaxis] for name in ("a/10.png", "a/2.JPG", "b.png")]
    assert (len(data), data.name, data.built_in) == (3, "photos (3 images)", False)
    for _ in range(2):  # as often as one likes
        for sample, wanted in zip(data, expected, strict=True):
            assert list(sample) == ["input"]
            np.testing.assert_array_equal(sample["input"], wanted)


def test_a_limit_spreads_over_the_folder(tmp_path: Path) -> None:
    folder = _folder(tmp_path, tuple(f"{index}.png" for index in range(10)))
    data = calibration_data(folder, _INPUTS, Preparation(8, 8, 8, mean=(0.0,) * 3, scale=(1.0,) * 3), limit=4)
    assert [int(sample["input"].max()) for sample in data] == [0, 2, 5, 7]
    assert len(data) == 4


def test_labels_go_with_the_samples_that_a_limit_leaves(tmp_path: Path) -> None:
    folder = _folder(tmp_path, tuple(f"{number}_a.png" for number in (3, 11, 4, 2)))
    data = calibration_data(folder, _INPUTS, _SMALL, labelled=True)
    assert data.labels == (11, 2, 3, 4)  # as the samples: sorted by path
    assert calibration_data(folder, _INPUTS, _SMALL, labelled=True, limit=2).labels == (11, 3)
    assert calibration_data(folder, _INPUTS, _SMALL).labels == ()


def test_data_without_labels_is_refused_where_they_are_asked_for(tmp_path: Path) -> None:
    np.save(tmp_path / "data.npy", np.zeros((2, 3, 8, 8), np.float32))
    for spec in (None, tmp_path / "data.npy"):
        with pytest.raises(InputError, match="has no labels; accepted: a labelled folder"):
            calibration_data(spec, _INPUTS, _SMALL, labelled=True)


def test_the_views_of_the_wheels_photos_say_which_they_are_of() -> None:
    data = calibration_data(None, _INPUTS, _SMALL)
    assert len(data.photo_of) == len(data)
    assert {data.photo_of.count(photo) for photo in set(data.photo_of)} == {12}  # 6 crops, each mirrored


def test_a_limit_of_none_is_refused() -> None:
    with pytest.raises(InputError, match="a limit of 0 samples leaves none; accepted: 1 and more"):
        calibration_data(None, _INPUTS, _SMALL, limit=0)


def test_an_empty_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("no photo")
    with pytest.raises(InputError) as caught:
        calibration_data(tmp_path, _INPUTS, _SMALL)
    assert str(caught.value).startswith(f"{tmp_path}: holds no images; accepted: files ending in .bmp, ")


def test_a_broken_photo_is_named_when_it_is_read(tmp_path: Path) -> None:
    folder = _folder(tmp_path, ("a.png",))
    (folder / "b.png").write_bytes(b"broken")
    samples = iter(calibration_data(folder, _INPUTS, _SMALL))
    next(samples)
    with pytest.raises(InputError, match=r"b\.png: is not an image"):
        next(samples)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("gone", "gone: does not exist; accepted: a folder of images, an .npz or an .npy file"),
        ("data.csv", "data.csv: is no calibration data; accepted: a folder of images, an .npz or an .npy file"),
    ],
)
def test_what_is_no_data_is_refused(tmp_path: Path, name: str, message: str) -> None:
    (tmp_path / "data.csv").write_text("1,2")
    with pytest.raises(InputError) as caught:
        calibration_data(tmp_path / name, _INPUTS, _SMALL)
    assert message in str(caught.value)


def test_photos_want_a_known_preparation(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"how photos are prepared for this network is not known.*next: give an \.npz"):
        calibration_data(_folder(tmp_path, ("a.png",)), _INPUTS, None)


def test_photos_want_a_preparation_that_fits(tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        calibration_data(_folder(tmp_path, ("a.png",)), {"input": (1, 8, 8, 3)}, _SMALL)
    assert "input 'input' reads [8, 8, 3], but the preparation makes [3, 8, 8] (C, H, W)" in str(caught.value)


def test_photos_feed_one_input(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"photos feed one input, the network has 2 \(a, b\); accepted: an \.npz"):
        calibration_data(_folder(tmp_path, ("a.png",)), {"a": (1, 3, 8, 8), "b": (1, 3, 8, 8)}, _SMALL)


def test_nothing_given_means_the_wheels_photos() -> None:
    data = calibration_data(None, {"input": (1, 3, 32, 32)}, Preparation(32, 32, 36))
    assert data.built_in
    assert data.name == f"photos in scikit-image's wheel ({len(data)} views of 8 photos)"
    samples = [sample["input"] for sample in data]
    assert {sample.shape for sample in samples} == {(1, 3, 32, 32)}
    assert len({sample.tobytes() for sample in samples}) == len(data), "each view shows something else"


def test_nothing_given_and_no_scikit_image(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sepia.inputs.built_in.find_spec", lambda name: None)
    with pytest.raises(InputError, match=r"no calibration data given: scikit-image.*not installed; accepted: --calib"):
        calibration_data(None, _INPUTS, _SMALL)


def test_a_limit_on_the_wheels_photos_keeps_all_photos() -> None:
    data = calibration_data(None, _INPUTS, _SMALL, limit=8)
    assert len(data) == 8
    assert data.name == "photos in scikit-image's wheel (8 views of 8 photos)"
