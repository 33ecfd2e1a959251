"""Photos of every kind come out upright, in colour or grey, and prepared; what is no photo is named."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from sepia.errors import InputError
from sepia.inputs import Preparation, read_photo
from sepia.inputs.photo import open_photo, prepare

_RAW = Preparation(height=4, width=4, resize=0, resampling="nearest", mean=(0.0,) * 3, scale=(1.0,) * 3)
_GREY = Preparation(4, 4, 0, resampling="nearest", colour="GREY", mean=(0.0,), scale=(1.0,))


def _quarters() -> Image.Image:
    """4×4: red, green / blue, white."""
    pixels = np.zeros((4, 4, 3), np.uint8)
    pixels[:2, :2, 0] = pixels[:2, 2:, 1] = pixels[2:, :2, 2] = 255
    pixels[2:, 2:] = 255
    return Image.fromarray(pixels)


def test_layout_colour_order_mean_and_scale(tmp_path: Path) -> None:
    _quarters().save(tmp_path / "a.png")
    preparation = Preparation(4, 4, 0, resampling="nearest", colour="BGR", mean=(1.0, 2.0, 3.0), scale=(2.0, 4.0, 8.0))
    found = read_photo(tmp_path / "a.png", preparation)
    pixels = np.asarray(_quarters()).astype(float)
    expected = [(pixels[:, :, channel] - mean) / scale for channel, mean, scale in ((2, 1, 2), (1, 2, 4), (0, 3, 8))]
    assert found.dtype == np.float32
    assert found.flags.c_contiguous
    np.testing.assert_allclose(found, expected, rtol=1e-6)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_is_applied(tmp_path: Path, orientation: int) -> None:
    undo = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }
    stored = _quarters().transpose(undo[orientation]) if orientation in undo else _quarters()
    exif = Image.Exif()
    exif[0x0112] = orientation
    stored.save(tmp_path / "a.png", exif=exif)
    expected = np.asarray(_quarters()).transpose(2, 0, 1)
    np.testing.assert_array_equal(read_photo(tmp_path / "a.png", _RAW), expected)


def test_grey_becomes_three_equal_channels(tmp_path: Path) -> None:
    ramp = np.arange(0, 160, 10, np.uint8).reshape(4, 4)
    Image.fromarray(ramp).save(tmp_path / "a.png")
    np.testing.assert_array_equal(read_photo(tmp_path / "a.png", _RAW), np.stack([ramp] * 3))
    np.testing.assert_array_equal(read_photo(tmp_path / "a.png", _GREY), ramp[np.newaxis])


def test_sixteen_bits_are_scaled_and_not_clipped(tmp_path: Path) -> None:
    ramp = (np.arange(16, dtype=np.uint16) * 4096).reshape(4, 4)
    Image.fromarray(ramp).save(tmp_path / "a.png")
    expected = np.rint(ramp / 257)
    np.testing.assert_array_equal(read_photo(tmp_path / "a.png", _GREY)[0], expected)


@pytest.mark.parametrize(("top", "expected"), [(1.0, 255.0), (200.0, 200.0)])
def test_float_pictures_fill_one_or_255(tmp_path: Path, top: float, expected: float) -> None:
    Image.fromarray(np.full((4, 4), top, np.float32)).save(tmp_path / "a.tiff")
    assert read_photo(tmp_path / "a.tiff", _GREY).max() == expected


def test_float_picture_with_nan_is_refused(tmp_path: Path) -> None:
    Image.fromarray(np.full((4, 4), np.nan, np.float32)).save(tmp_path / "a.tiff")
    with pytest.raises(InputError, match=r"a\.tiff: cannot be read as an image \(it holds NaN or infinity\)"):
        read_photo(tmp_path / "a.tiff", _GREY)


def test_cmyk_becomes_rgb(tmp_path: Path) -> None:
    Image.new("CMYK", (4, 4), (0, 255, 255, 0)).save(tmp_path / "a.jpg", quality=100)
    red, green, blue = read_photo(tmp_path / "a.jpg", _RAW)[:, 1, 1]
    assert red > 200
    assert max(green, blue) < 60


def test_palette_becomes_rgb(tmp_path: Path) -> None:
    _quarters().convert("P", palette=Image.Palette.ADAPTIVE).save(tmp_path / "a.gif")
    np.testing.assert_array_equal(read_photo(tmp_path / "a.gif", _RAW), np.asarray(_quarters()).transpose(2, 0, 1))


@pytest.mark.parametrize("mode", ["RGBA", "LA", "PA"])
def test_what_is_transparent_lies_on_white(tmp_path: Path, mode: str) -> None:
    hidden = Image.new("RGBA", (4, 4), (0, 0, 0, 0)).convert("LA" if mode == "LA" else "RGBA")
    hidden.save(tmp_path / "a.png")
    assert read_photo(tmp_path / "a.png", _RAW).min() == 255


def test_transparent_palette_lies_on_white(tmp_path: Path) -> None:
    Image.new("P", (4, 4), 0).save(tmp_path / "a.png", transparency=0)
    assert read_photo(tmp_path / "a.png", _RAW).min() == 255


@pytest.mark.parametrize("size", [(1, 1), (1, 300), (300, 1), (3, 2)])
def test_tiny_and_narrow_pictures(tmp_path: Path, size: tuple[int, int]) -> None:
    Image.new("RGB", size, (10, 20, 30)).save(tmp_path / "a.png")
    found = read_photo(tmp_path / "a.png", Preparation(mean=(0.0,) * 3, scale=(1.0,) * 3))
    assert found.shape == (3, 224, 224)
    np.testing.assert_array_equal(found, np.broadcast_to(np.float32([[[10]], [[20]], [[30]]]), found.shape))


@given(width=st.integers(8, 90), height=st.integers(8, 90), resize=st.integers(8, 40))
@settings(max_examples=60, deadline=None)
def test_geometry_is_resizing_whole_and_cropping(width: int, height: int, resize: int) -> None:
    random = np.random.default_rng(width * 100 + height)
    picture = Image.fromarray(random.integers(0, 256, (height, width, 3), np.uint8))
    found = prepare(picture, Preparation(8, 8, resize, mean=(0.0,) * 3, scale=(1.0,) * 3))
    if max(width, height) > 8 * min(width, height):
        return
    shorter = min(width, height)
    whole = picture.resize((resize * width // shorter, resize * height // shorter), Image.Resampling.BILINEAR)
    left, top = (whole.width - 8) // 2, (whole.height - 8) // 2
    pixels = np.asarray(whole)[top : top + 8, left : left + 8]
    np.testing.assert_array_equal(found, pixels.transpose(2, 0, 1))


def test_truncated_photo_is_named(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    Image.fromarray(random.integers(0, 256, (64, 64, 3), np.uint8)).save(tmp_path / "whole.jpg")
    data = (tmp_path / "whole.jpg").read_bytes()
    (tmp_path / "cut.jpg").write_bytes(data[: len(data) // 2])
    with pytest.raises(InputError, match=r"cut\.jpg: cannot be read as an image \(.*truncated"):
        open_photo(tmp_path / "cut.jpg")


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", r"a\.jpg: is empty; accepted: bmp, gif, jpeg, jpg"),
        (b"no picture at all", r"a\.jpg: is not an image, or a kind that Pillow cannot read; accepted: bmp"),
        (b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR", r"a\.jpg: "),
    ],
)
def test_what_is_no_photo_is_named(tmp_path: Path, data: bytes, message: str) -> None:
    (tmp_path / "a.jpg").write_bytes(data)
    with pytest.raises(InputError, match=message):
        open_photo(tmp_path / "a.jpg")


def test_missing_photo_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"gone\.jpg: cannot be read as an image \(No such file or directory\)"):
        open_photo(tmp_path / "gone.jpg")


def test_too_large_a_picture_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Image.new("L", (100, 100)).save(tmp_path / "a.png")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1000)
    with pytest.raises(InputError, match=r"a\.png: is too large a picture"):
        open_photo(tmp_path / "a.png")
