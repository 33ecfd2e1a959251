"""From a photo, however it is stored, to the array that a network reads."""

from __future__ import annotations

import struct
import warnings
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from ..errors import InputError
from .preparation import Preparation

__all__ = ["IMAGE_SUFFIXES", "open_photo", "prepare", "read_photo"]

IMAGE_SUFFIXES = frozenset(
    (".bmp", ".gif", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp"),
)
"""Endings, in lower case, of the files that count as images in a folder."""

_RESAMPLING = {
    "nearest": Image.Resampling.NEAREST,
    "bilinear": Image.Resampling.BILINEAR,
    "bicubic": Image.Resampling.BICUBIC,
}


def read_photo(path: Path, preparation: Preparation) -> NDArray[np.float32]:
    """[C, H, W] float32, as `preparation` says. Raises InputError naming `path` if it is no whole image."""
    return prepare(open_photo(path), preparation)


def open_photo(path: Path) -> Image.Image:
    """The picture as a person sees it: upright (EXIF), 8 bits, mode "RGB" or "L".

    16-bit and 32-bit grey is scaled to 8 bits, CMYK and palettes become RGB, what is transparent lies on white. Of an
    animation, the first frame. Raises InputError naming `path`.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about EXIF blocks and large pictures: neither stops us
            with Image.open(path) as image:
                image.load()
                return _plain(ImageOps.exif_transpose(image))
    except UnidentifiedImageError as error:
        empty = path.stat().st_size == 0
        what = "is empty" if empty else "is not an image, or a kind that Pillow cannot read"
        raise InputError(str(path), what, accepted=_endings()) from error
    except Image.DecompressionBombError as error:
        raise InputError(str(path), f"is too large a picture ({error})") from error
    except (OSError, SyntaxError, ValueError, EOFError, struct.error) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise InputError(str(path), f"cannot be read as an image ({reason})") from error


def prepare(image: Image.Image, preparation: Preparation) -> NDArray[np.float32]:
    """[C, H, W] float32 of a picture in mode "RGB" or "L" with 8 bits. Filters are Pillow's, anti-aliased."""
    picture = image.convert("L" if preparation.colour == "GREY" else "RGB")
    pixels = np.asarray(_fitted(picture, preparation), dtype=np.float32)
    pixels = pixels.reshape(preparation.height, preparation.width, preparation.channels)
    if preparation.colour == "BGR":
        pixels = pixels[:, :, ::-1]
    mean, scale = np.asarray(preparation.mean, np.float32), np.asarray(preparation.scale, np.float32)
    return np.ascontiguousarray(((pixels - mean) / scale).transpose(2, 0, 1), dtype=np.float32)


def _fitted(picture: Image.Image, preparation: Preparation) -> Image.Image:
    """Resized and cropped to height × width, on whole pixels.

    Published accuracies rest on this geometry (torchvision's): the longer side of the resized picture is rounded
    down, and so are the left and upper edge of the crop.
    """
    size, filter_ = (preparation.width, preparation.height), _RESAMPLING[preparation.resampling]
    if preparation.resize == 0:
        return picture.resize(size, filter_)
    # A picture more than eight times as long as wide would fill the memory once resized.
    picture = _middle(picture, *(min(length, 8 * min(picture.size)) for length in picture.size))
    shorter = min(picture.size)
    width, height = (preparation.resize * length // shorter for length in picture.size)
    return _middle(picture.resize((width, height), filter_), *size)


def _middle(picture: Image.Image, width: int, height: int) -> Image.Image:
    left, top = (picture.width - width) // 2, (picture.height - height) // 2
    return picture.crop((left, top, left + width, top + height))


def _plain(image: Image.Image) -> Image.Image:
    """Mode "RGB" or "L", 8 bits, nothing transparent."""
    if image.mode == "F" or image.mode.startswith("I"):
        return _eight_bits(image)
    if image.has_transparency_data:
        white = Image.new("RGBA", image.size, (255, 255, 255, 255))
        return Image.alpha_composite(white, image.convert("RGBA")).convert("RGB")
    return image.convert("L" if image.mode in ("1", "L") else "RGB")


def _eight_bits(image: Image.Image) -> Image.Image:
    """Grey of more than 8 bits. Pillow's own conversion clips at 255 instead of scaling.

    Integers fill 16 bits unless none is above 255; floats fill [0, 1] unless one is above it, then [0, 255].
    """
    values = np.asarray(image, dtype=np.float64)
    if not np.isfinite(values).all():
        raise ValueError("it holds NaN or infinity")
    top = values.max(initial=0.0)
    if image.mode == "F":
        values = values * 255 if top <= 1 else values
    elif image.mode.startswith("I;16") or top > 255:
        values = values / 257
    return Image.fromarray(np.clip(np.rint(values), 0, 255).astype(np.uint8))


def _endings() -> str:
    return ", ".join(sorted(suffix.lstrip(".") for suffix in IMAGE_SUFFIXES))
