"""Licences: the user's as they are, ours where code of ours is in the bundle."""

from __future__ import annotations

from pathlib import Path

import pytest
from sepia.errors import InputError
from sepia.ship.licences import OURS, licence_parts, our_licence


def test_ours_goes_with_a_program_alone() -> None:
    assert licence_parts([], native=False) == ()
    (part,) = licence_parts([], native=True)
    assert (part.path, part.role) == (OURS, "licence")


def test_ours_is_the_apache_licence() -> None:
    text = our_licence().read_text(encoding="utf-8")
    assert "Apache License" in text and "Version 2.0" in text


@pytest.mark.parametrize("name", ["my licence.txt", ".hidden", "é.txt", "-x"])
def test_a_name_that_a_bundle_cannot_have_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("x")
    with pytest.raises(InputError, match="has a name that a bundle can't have"):
        licence_parts([tmp_path / name], native=False)


def test_two_of_one_name_are_refused(tmp_path: Path) -> None:
    for folder, name in (("a", "LICENSE"), ("b", "License")):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / name).write_text(folder)
    with pytest.raises(InputError, match="two files are called"):
        licence_parts([tmp_path / "a" / "LICENSE", tmp_path / "b" / "License"], native=False)


def test_one_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="none: is no file"):
        licence_parts([tmp_path / "none"], native=False)
