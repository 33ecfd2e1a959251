"""Against what Sepia itself feeds a network."""

from __future__ import annotations

import dataclasses
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from sepia.inputs.photo import prepare, read_photo
from sepia.inputs.preparation import Preparation
from sepia.ship.agent import prepare as prepare_file
from sepia.ship.agent.errors import Refused
from sepia.ship.agent.prepare import read_picture, read_preparation
from skimage import data

PREPARATIONS = [
    Preparation(),
    Preparation(resize=0, resampling="bicubic"),
    Preparation(
        96, 160, 161, resampling="nearest", colour="BGR", mean=(123.675, 116.28, 103.53), scale=(58.395, 57.12, 57.375)
    ),
    Preparation(40, 32, 50, resampling="bicubic", colour="GREY", mean=(33.3,), scale=(0.7,)),
]
PHOTOS = {"cat": data.chelsea, "coffee": data.coffee, "grey": data.camera}


def told(
    preparation: Preparation, dtype: str = "float32", layout: str = "NCHW", scale: float | None = None, zero: int = 0
) -> dict[str, Any]:
    """As a manifest has it."""
    shape = [preparation.channels, preparation.height, preparation.width]
    shape = shape if layout == "NCHW" else [*shape[1:], shape[0]]
    entry = {
        "name": "input",
        "shape": [1, *shape],
        "dtype": dtype,
        "layout": layout,
        "scale": scale,
        "zero_point": zero,
    }
    return {**dataclasses.asdict(preparation), "inputs": [entry], "outputs": []}


def prepared(image: Any, preparation: Preparation) -> NDArray[np.float32]:
    found = read_preparation("manifest", told(preparation)).bytes_of(read_picture(image))
    return np.frombuffer(found, np.float32).reshape(preparation.channels, preparation.height, preparation.width)


@pytest.fixture(params=["with Pillow", "without"])
def _pillow(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param == "without":
        monkeypatch.setattr(prepare_file, "_with_pillow", lambda *_: None)


@pytest.mark.usefixtures("_pillow")
@pytest.mark.parametrize("preparation", PREPARATIONS, ids=lambda given: f"{given.resampling}-{given.colour}")
@pytest.mark.parametrize("photo", PHOTOS)
def test_an_array_is_prepared_as_sepia_does_it(photo: str, preparation: Preparation) -> None:
    pixels = PHOTOS[photo]()
    assert np.array_equal(prepared(pixels, preparation), prepare(Image.fromarray(pixels), preparation))


def test_without_pillow_an_array_is_prepared_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    pixels = data.chelsea()
    right = prepare(Image.fromarray(pixels), Preparation())
    monkeypatch.setitem(sys.modules, "PIL", None)
    assert np.array_equal(prepared(pixels, Preparation()), right)


@pytest.mark.parametrize("mode", ["RGB", "L", "RGBA", "P", "CMYK", "1", "LA"])
def test_a_file_is_prepared_as_sepia_does_it(tmp_path: Path, mode: str) -> None:
    image = Image.fromarray(data.chelsea()).convert(mode)
    if mode in ("RGBA", "LA"):
        image.putalpha(Image.fromarray(data.camera()).resize(image.size))
    path = tmp_path / ("photo.jpg" if mode == "CMYK" else "photo.png")
    image.save(path)
    right = read_photo(path, Preparation())
    assert np.array_equal(prepared(path, Preparation()), right)
    with Image.open(path) as opened:
        assert np.array_equal(prepared(opened, Preparation()), right)


def test_a_photo_is_turned_upright(tmp_path: Path) -> None:
    image, exif = Image.fromarray(data.coffee()), Image.Exif()
    exif[0x0112] = 6
    image.save(tmp_path / "turned.png", exif=exif)
    right = read_photo(tmp_path / "turned.png", Preparation())
    assert np.array_equal(prepared(str(tmp_path / "turned.png"), Preparation()), right)
    assert not np.array_equal(prepared(image, Preparation()), right)


def test_a_very_long_picture_is_cut_first() -> None:
    """Resized as it is, it would be 11 520 pixels long."""
    pixels = np.random.default_rng(0).integers(0, 256, (20, 900, 3), np.uint8)
    _, to, _ = read_preparation("manifest", told(Preparation()))._geometry(900, 20)
    assert to == (8 * 256, 256)
    assert np.array_equal(prepared(pixels, Preparation()), prepare(Image.fromarray(pixels), Preparation()))


@pytest.mark.parametrize("layout", ["NCHW", "NHWC"])
@pytest.mark.parametrize(
    ("dtype", "scale", "zero"), [("int8", 0.0041, -1), ("uint8", 0.0041, 127), ("float32", None, 0)]
)
def test_layouts_and_codes(layout: str, dtype: str, scale: float | None, zero: int) -> None:
    preparation = Preparation(mean=(127.0, 120.0, 110.0))
    values = prepare(Image.fromarray(data.chelsea()), preparation)
    if scale is not None:
        info = np.iinfo(dtype)
        values = np.clip(np.rint(values / np.float32(scale)) + zero, info.min, info.max)
        assert {info.min, info.max} & set(values.flat)  # something is clipped
    right = values.transpose((0, 1, 2) if layout == "NCHW" else (1, 2, 0)).astype(dtype)
    found = read_preparation("manifest", told(preparation, dtype, layout, scale, zero))
    assert found.bytes_of(read_picture(data.chelsea())) == right.tobytes()


@pytest.mark.parametrize(
    "change",
    [
        {"height": 0.0}, {"height": None}, {"resize": 100}, {"resampling": "lanczos"}, {"colour": "YUV"},
        {"mean": [1.0]}, {"scale": [0.0, 1.0, 1.0]}, {"scale": [float("inf"), 1.0, 1.0]}, {"inputs": []}, {"mean": 3},
    ],
)  # fmt: skip
def test_a_preparation_that_cannot_be_done_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(Refused) as caught:
        read_preparation("manifest", told(Preparation()) | change)
    assert caught.value.kind == "preparation" and "read current/manifest.json" in caught.value.hint


@pytest.mark.parametrize(
    "change",
    [
        {"dtype": "int32"},
        {"dtype": "int8"},
        {"layout": "as is"},
        {"shape": [1, 3, 225, 224]},
        {"shape": [2, 3, 224, 224]},
    ],
)
def test_an_input_that_is_no_picture_is_refused(change: dict[str, Any]) -> None:
    asked = told(Preparation())
    asked["inputs"][0].update(change)
    with pytest.raises(Refused, match="picture"):
        read_preparation("manifest", asked)


def test_a_bundle_without_a_preparation_says_so() -> None:
    with pytest.raises(Refused, match="does not say how a picture is prepared"):
        read_preparation("manifest", {"inputs": told(Preparation())["inputs"], "outputs": []})


@pytest.mark.parametrize(
    "image",
    [
        None, 3, np.zeros((4, 4, 4), np.uint8), np.zeros((4, 4, 3), np.float32), np.zeros(4, np.uint8), b"data",
        Image.new("I", (4, 4)), Image.new("F", (4, 4)), np.zeros((0, 4, 3), np.uint8), "/no/such/file", __file__,
    ],
)  # fmt: skip
def test_what_is_no_picture_is_refused(image: Any) -> None:
    with pytest.raises(Refused) as caught:
        prepared(image, Preparation())
    assert caught.value.kind == "preparation"


def test_a_file_needs_pillow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "PIL", None)
    with pytest.raises(Refused, match="Pillow is needed"):
        read_picture(str(tmp_path / "photo.jpg"))


def test_bytes_with_a_shape_are_an_array() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (300, 400, 3), np.uint8)
    view = memoryview(pixels.tobytes()).cast("B", (300, 400, 3))
    assert np.array_equal(prepared(view, Preparation()), prepared(pixels, Preparation()))
    assert np.array_equal(prepared(np.asfortranarray(pixels), Preparation()), prepared(pixels, Preparation()))
