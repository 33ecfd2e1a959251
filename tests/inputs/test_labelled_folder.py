"""Classes are told from file names or folders, in one way for all."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image
from sepia.errors import InputError
from sepia.inputs import LabelledFolder


def _folder(path: Path, *names: str) -> Path:
    for name in names:
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("L", (2, 2)).save(path / name)
    return path


def _found(folder: LabelledFolder) -> dict[str, int]:
    return {path.relative_to(folder.path).as_posix(): index for path, index in folder}


def test_index_in_flat_names(tmp_path: Path) -> None:
    folder = LabelledFolder(_folder(tmp_path, "012_n01531178.jpg", "3.png", "7-a.png"))
    assert _found(folder) == {"012_n01531178.jpg": 12, "3.png": 3, "7-a.png": 7}
    assert len(folder) == 3
    assert folder.classes_from == "index in the file name"


def test_a_flat_name_without_index_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"cat\.jpg: does not say its class; accepted: a name like 012_n01531178\.jpg"):
        LabelledFolder(_folder(tmp_path, "1_a.jpg", "cat.jpg"))


def test_index_in_folder_names(tmp_path: Path) -> None:
    folder = LabelledFolder(_folder(tmp_path, "10_finch/a.png", "2_hen/b.png", "2_hen/more/c.png"))
    assert _found(folder) == {"10_finch/a.png": 10, "2_hen/b.png": 2, "2_hen/more/c.png": 2}
    assert folder.classes_from == "index in the folder's name"


def test_labels_as_folder_names(tmp_path: Path) -> None:
    folder = LabelledFolder(_folder(tmp_path, "hen/a.png", "ant/b.png"), ("finch", "hen", "ant"))
    assert _found(folder) == {"ant/b.png": 2, "hen/a.png": 1}
    assert folder.classes_from == "label in the folder's name"


def test_synsets_as_folder_names_are_imagenets_classes(tmp_path: Path) -> None:
    folder = LabelledFolder(_folder(tmp_path, "n02510455/a.png", "n01440764/b.png"))
    assert _found(folder) == {"n01440764/b.png": 0, "n02510455/a.png": 388}
    assert folder.classes_from == "synset in the folder's name"


def test_other_folders_count_in_sorted_order(tmp_path: Path) -> None:
    folder = LabelledFolder(_folder(tmp_path, "dog/a.png", "cat/b.png"))
    assert _found(folder) == {"cat/b.png": 0, "dog/a.png": 1}
    assert folder.classes_from == "order of the folders"


def test_flat_and_folders_mixed_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="has images beside its sub-folders and in them; accepted: all flat"):
        LabelledFolder(_folder(tmp_path, "1_a.jpg", "2/b.jpg"))


@pytest.mark.parametrize(
    ("name", "message"), [("gone", "does not exist"), ("file", "is not a folder"), ("", "no image")]
)
def test_no_folder_of_images(tmp_path: Path, name: str, message: str) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(InputError, match=message):
        LabelledFolder(tmp_path / name)


def test_more_classes_than_logits(tmp_path: Path) -> None:
    folder = LabelledFolder(_folder(tmp_path, "9_a.png", "10_b.png"))
    folder.check_classes(11)
    with pytest.raises(InputError, match=r"10_b\.png: is of class 10, but the network has 10 \(0 to 9\)"):
        folder.check_classes(10)


def test_photos_of_the_field_agree_with_their_synsets(photos: Path) -> None:
    from sepia.inputs.labels import imagenet_index

    folder = LabelledFolder(photos / "validation")
    assert len(folder) == 200
    assert all(imagenet_index(path.stem.split("_")[1]) == index for path, index in folder)
