"""From a picture to the bytes that a network reads, as its manifest says; bit for bit what Sepia itself feeds it.

Shorter side to `resize`, the middle cut out, channels in order, then (pixel − mean) / scale in float32, and of an
integer input its codes. A pixel has 256 values, so the last two steps are tables, for which NumPy is not needed. Pillow
resizes where it is installed; without it and without NumPy that takes seconds on ARMv6, for which Debian has both.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .errors import Refused
from .resample import FILTERS, grey, resampled

__all__ = ["Picture", "Preparation", "read_picture", "read_preparation"]

_KIND = "preparation"
_TYPES = {"float32": "<f", "int8": "<b", "uint8": "<B"}
_RANGES = {"int8": (-128, 127), "uint8": (0, 255)}
_SQUARE_PIXELS = 178_956_970
"""Above it Pillow, too, takes a picture for a bomb."""
_LONGEST = 8
"""A picture more than so many times as long as wide is cut first: resized it would fill the memory."""


@dataclass(frozen=True)
class Picture:
    """8 bits, upright, row by row, one byte or three (RGB) a pixel."""

    width: int
    height: int
    channels: int
    pixels: bytes


@dataclass(frozen=True)
class Preparation:
    """As `inputs.Preparation` of Sepia, and of the network's input: dtype, layout ("NCHW", "NHWC"), grid of its codes.

    mean, scale: per channel, on pixels in [0, 255]. code_scale: None where it reads real numbers.
    """

    height: int
    width: int
    resize: int
    resampling: str
    colour: str
    mean: tuple[float, ...]
    scale: tuple[float, ...]
    dtype: str
    layout: str
    code_scale: float | None
    code_zero: int

    @property
    def channels(self) -> int:
        return 1 if self.colour == "GREY" else 3

    def bytes_of(self, picture: Picture) -> bytes:
        """What the network reads. Raises Refused of kind "preparation" for a picture of no size."""
        planes = self._fitted(picture)
        tables, item = [self._table(channel) for channel in range(self.channels)], struct.calcsize(_TYPES[self.dtype])
        size = self.width * self.height
        out = bytearray(size * self.channels * item)
        for channel, (plane, table) in enumerate(zip(planes, tables, strict=True)):
            for byte in range(item):
                values = plane.translate(bytes(value[byte] for value in table))
                if self.layout == "NHWC":
                    out[channel * item + byte :: self.channels * item] = values
                else:
                    out[channel * size * item + byte : (channel + 1) * size * item : item] = values
        return bytes(out)

    def _table(self, channel: int) -> list[bytes]:
        """Pixel → what the network reads for it. Each step is rounded to float32, as NumPy does it."""
        mean, scale = _single(self.mean[channel]), _single(self.scale[channel])
        values = [_single(_single(pixel - mean) / scale) for pixel in range(256)]
        if self.code_scale is None:
            return [struct.pack(_TYPES[self.dtype], value) for value in values]
        least, most = _RANGES[self.dtype]
        codes = [round(_single(value / _single(self.code_scale))) + self.code_zero for value in values]
        return [struct.pack(_TYPES[self.dtype], min(max(code, least), most)) for code in codes]

    def _fitted(self, picture: Picture) -> Sequence[bytes]:
        """One plane a channel, in the network's order."""
        size, to, box = self._geometry(picture.width, picture.height)
        planes = _with_pillow(picture, self, size, to, box) or _alone(picture, self, size, to, box)
        return planes[::-1] if self.colour == "BGR" else planes

    def _geometry(self, width: int, height: int) -> tuple[tuple[int, int], tuple[int, int], tuple[int, int, int, int]]:
        """Size that is cut out first, size that is resized to, and what is cut out of that. Rounded as torchvision."""
        if min(width, height) < 1 or width * height > _SQUARE_PIXELS:
            raise Refused("picture", f"{width}×{height} pixels", kind=_KIND)
        if self.resize == 0:
            return (width, height), (self.width, self.height), (0, 0, self.width, self.height)
        shorter = min(width, height)
        size = min(width, _LONGEST * shorter), min(height, _LONGEST * shorter)
        to = self.resize * size[0] // shorter, self.resize * size[1] // shorter
        left, top = (to[0] - self.width) // 2, (to[1] - self.height) // 2
        return size, to, (left, top, self.width, self.height)


def read_preparation(where: str, told: Mapping[str, Any]) -> Preparation:
    """From a manifest. Raises Refused of kind "preparation" if this version's pictures are prepared in no known way."""
    try:
        entry = told["inputs"][0]
        found = Preparation(
            height=int(told["height"]),
            width=int(told["width"]),
            resize=int(told["resize"]),
            resampling=told["resampling"],
            colour=told["colour"],
            mean=tuple(float(value) for value in told["mean"]),
            scale=tuple(float(value) for value in told["scale"]),
            dtype=entry["dtype"],
            layout=entry["layout"],
            code_scale=None if entry["dtype"] == "float32" else float(entry["scale"]),
            code_zero=int(entry["zero_point"] or 0),
        )
    except (KeyError, IndexError, TypeError, ValueError) as error:
        raise Refused(where, f"does not say how a picture is prepared ({error!r})", kind=_KIND, hint=_HINT) from error
    _refuse_unfit(where, found, told)
    return found


def _refuse_unfit(where: str, found: Preparation, told: Mapping[str, Any]) -> None:
    entry = told["inputs"][0]
    shape = (found.channels, found.height, found.width)
    wanted = list(shape if found.layout == "NCHW" else (*shape[1:], shape[0]))
    right = (
        len(told["inputs"]) == 1
        and found.resampling in FILTERS
        and found.colour in ("RGB", "BGR", "GREY")
        and found.dtype in _TYPES
        and found.layout in ("NCHW", "NHWC")
        and len(found.mean) == len(found.scale) == found.channels
        and all(map(math.isfinite, (*found.mean, *found.scale)))
        and 0.0 not in (*found.scale, found.code_scale)
        and (found.resize == 0 or found.resize >= max(found.height, found.width))
        and list(entry["shape"][1:]) == wanted
        and entry["shape"][0] in (1, -1)
    )
    if not right:
        raise Refused(where, "its one input is no picture, prepared as it says", kind=_KIND, hint=_HINT)


def read_picture(image: Any) -> Picture:
    """Of a Pillow image, a file's name (needs Pillow), or an array of uint8: [H, W], [H, W, 1] or [H, W, 3] in RGB.

    Any object with the buffer protocol is an array: NumPy's, or memoryview(data).cast("B", (height, width, 3)). Raises
    Refused of kind "preparation".
    """
    if hasattr(image, "convert") and hasattr(image, "getexif"):
        return _of_pillow(image)
    if isinstance(image, str) or hasattr(image, "__fspath__"):
        return _of_file(image)
    try:
        view = memoryview(image)
    except TypeError as error:
        raise Refused("picture", f"is a {type(image).__name__}", kind=_KIND, hint=_ACCEPTED) from error
    shape = view.shape or ()
    if view.format != "B" or len(shape) not in (2, 3) or (len(shape) == 3 and shape[2] not in (1, 3)):
        raise Refused("picture", f"an array of format {view.format!r}, {list(shape)}", kind=_KIND, hint=_ACCEPTED)
    return Picture(shape[1], shape[0], shape[2] if len(shape) == 3 else 1, view.tobytes())


def _of_file(path: Any) -> Picture:
    try:
        from PIL import Image
    except ImportError as error:
        raise Refused(str(path), "Pillow is needed to read it", kind=_KIND, hint=_ACCEPTED) from error
    try:
        with Image.open(path) as image:
            return _of_pillow(image)
    except (OSError, SyntaxError, ValueError, EOFError, Image.DecompressionBombError) as error:
        raise Refused(str(path), f"cannot be read as an image ({error})", kind=_KIND) from error


def _of_pillow(image: Any) -> Picture:
    """As a person sees it: upright (EXIF), what is transparent lies on white."""
    from PIL import Image, ImageOps

    upright: Any = ImageOps.exif_transpose(image)
    if upright.mode == "F" or upright.mode.startswith("I"):
        raise Refused("picture", f"mode {upright.mode} has more than 8 bits", kind=_KIND, hint=_ACCEPTED)
    if upright.has_transparency_data:
        white = Image.new("RGBA", upright.size, (255, 255, 255, 255))
        upright = Image.alpha_composite(white, upright.convert("RGBA"))
    grey_ = upright.mode in ("1", "L")
    plain = upright.convert("L" if grey_ else "RGB")
    return Picture(plain.width, plain.height, 1 if grey_ else 3, plain.tobytes())


def _with_pillow(
    picture: Picture,
    preparation: Preparation,
    size: tuple[int, int],
    to: tuple[int, int],
    box: tuple[int, int, int, int],
) -> list[bytes] | None:
    """None where Pillow is not."""
    try:
        from PIL import Image
    except ImportError:
        return None
    mode = "RGB" if picture.channels == 3 else "L"
    image = Image.frombytes(mode, (picture.width, picture.height), picture.pixels)
    image = image.convert("L" if preparation.colour == "GREY" else "RGB")
    left, top = (picture.width - size[0]) // 2, (picture.height - size[1]) // 2
    image = image.crop((left, top, left + size[0], top + size[1]))
    filters = {"nearest": Image.Resampling.NEAREST, "bilinear": Image.Resampling.BILINEAR}
    image = image.resize(to, filters.get(preparation.resampling, Image.Resampling.BICUBIC))
    left, top, width, height = box
    image = image.crop((left, top, left + width, top + height))
    return [band.tobytes() for band in image.split()]


def _alone(
    picture: Picture,
    preparation: Preparation,
    size: tuple[int, int],
    to: tuple[int, int],
    box: tuple[int, int, int, int],
) -> list[bytes]:
    planes = [picture.pixels[channel :: picture.channels] for channel in range(picture.channels)]
    if preparation.channels == 1 and picture.channels == 3:
        planes = [grey(*planes)]
    planes = [_middle(plane, (picture.width, picture.height), size) for plane in planes]
    made = [resampled(plane, size, to, preparation.resampling, box) for plane in planes]
    return made * 3 if len(made) < preparation.channels else made


def _middle(plane: bytes, size: tuple[int, int], to: tuple[int, int]) -> bytes:
    if size == to:
        return plane
    left, top = (size[0] - to[0]) // 2, (size[1] - to[1]) // 2
    rows = range(top, top + to[1])
    return b"".join(plane[row * size[0] + left : row * size[0] + left + to[0]] for row in rows)


def _single(value: float) -> float:
    """Rounded to float32."""
    found: float = struct.unpack("<f", struct.pack("<f", value))[0]
    return found


_HINT = "read current/manifest.json and current/ with a program of your own"
_ACCEPTED = "accepted: a Pillow image, a file's name, or uint8 [H, W] or [H, W, 3] (RGB)"
