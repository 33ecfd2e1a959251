"""The texts of licences that a bundle carries: the user's for the network, ours for code of ours that is in it."""

from __future__ import annotations

import importlib.metadata
import re
from collections.abc import Sequence
from pathlib import Path

from ..errors import InputError
from .network_files import Part

__all__ = ["OURS", "licence_parts", "our_licence"]

OURS = "licences/sepia-Apache-2.0.txt"

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._+-]{0,80}")
_BESIDE = Path(__file__).resolve().parents[1] / "LICENSE"


def licence_parts(licences: Sequence[Path], *, native: bool) -> tuple[Part, ...]:
    """native: the network is a program, which is made of our C code; in the other formats there is none of ours.

    Raises InputError for a file that can't be read, a name that no bundle can have, or two of one name.
    """
    parts = [Part(f"licences/{_checked(path).name}", path, "licence") for path in licences]
    if native:
        parts.append(Part(OURS, our_licence(), "licence"))
    names = [part.path.lower() for part in parts]
    for part in parts:
        if names.count(part.path.lower()) > 1:
            raise InputError("licences", f"two files are called '{Path(part.path).name}'", hint="rename one")
    return tuple(parts)


def our_licence() -> Path:
    """In a wheel beside the metadata, in a checkout at the root."""
    try:
        files = importlib.metadata.files("sepia-edge") or ()
    except importlib.metadata.PackageNotFoundError:
        files = ()
    found = [Path(str(file.locate())) for file in files if file.name == "LICENSE"]
    return next((path for path in found if path.is_file()), _BESIDE)


def _checked(path: Path) -> Path:
    if not path.is_file():
        raise InputError(str(path), "is no file", accepted="the text of a licence")
    if not _NAME.fullmatch(path.name):
        raise InputError(str(path), "has a name that a bundle can't have", accepted="letters, digits and . _ + -")
    return path
