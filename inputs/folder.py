"""The images of a folder."""

from __future__ import annotations

from pathlib import Path

from ..errors import InputError
from .photo import IMAGE_SUFFIXES

__all__ = ["images_in"]


def images_in(folder: Path) -> list[Path]:
    """All images below `folder`, sorted by their path in it, hidden ones left out.

    An image is told by its ending; whether it can be read shows when it is. Raises InputError if there is none.
    """
    if not folder.is_dir():
        what = "is not a folder" if folder.exists() else "does not exist"
        raise InputError(str(folder), what, accepted="a folder of images")
    try:
        paths = [path for path in folder.rglob("*") if _is_image(path, folder)]
    except OSError as error:
        raise InputError(str(folder), f"cannot be listed ({error.strerror or error})") from error
    if not paths:
        endings = ", ".join(sorted(IMAGE_SUFFIXES))
        raise InputError(str(folder), "holds no images", accepted=f"files ending in {endings}, in sub-folders too")
    return sorted(paths, key=lambda path: path.relative_to(folder).parts)


def _is_image(path: Path, folder: Path) -> bool:
    hidden = any(part.startswith(".") for part in path.relative_to(folder).parts)
    return not hidden and path.suffix.lower() in IMAGE_SUFFIXES and path.is_file()
