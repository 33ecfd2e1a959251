"""Names inside a bundle: what could lead outside a folder, be hidden, or be two files in one place is refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sepia.ship.agent.errors import Refused
from sepia.ship.agent.paths import refuse_clashes, refuse_path


@pytest.mark.parametrize("path", ["model.int8.tflite", "golden/inputs.npz", "a/b/c-1+2_3", "_x", "0", "..a"[2:]])
def test_a_plain_name_is_accepted(path: str) -> None:
    refuse_path("x", path, 200)


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("../etc/passwd", "leads outside"),
        ("golden/../../x", "leads outside"),
        ("..", "leads outside"),
        ("/etc/passwd", "is absolute"),
        ("a\\b", "has a backslash"),
        ("a\nb", "has a control character"),
        ("a\x7f", "has a control character"),
        ("a\0b", "has a control character"),
        ("modèle", "is not ASCII"),
        ("a\u202eb", "is not ASCII"),
        ("", "is not a plain one"),
        (".", "is not a plain one"),
        ("a/./b", "is not a plain one"),
        ("a//b", "is not a plain one"),
        ("a/", "is not a plain one"),
        (".bashrc", "is not a plain one"),
        ("-rf", "is not a plain one"),
        ("a b", "is not a plain one"),
        ("a:b", "is not a plain one"),
        ("~/x", "is not a plain one"),
        ("$HOME", "is not a plain one"),
    ],
)
def test_another_is_refused_with_the_reason(path: str, reason: str) -> None:
    with pytest.raises(Refused, match=reason) as caught:
        refuse_path("bundle", path, 200)
    assert caught.value.kind == "archive"
    assert str(caught.value).isprintable()


def test_a_long_name_is_refused() -> None:
    refuse_path("x", "a" * 200, 200)
    with pytest.raises(Refused, match="a name of 201 characters") as caught:
        refuse_path("x", "a" * 201, 200)
    assert caught.value.kind == "limit"


@given(st.text(max_size=40))
def test_what_is_accepted_stays_in_its_folder(path: str) -> None:
    try:
        refuse_path("x", path, 40)
    except Refused:
        return
    parts = path.split("/")
    assert path.isascii() and path.isprintable() and not path.startswith("/")
    assert all(part and part[0] not in ".-" for part in parts)


@pytest.mark.parametrize(
    "paths",
    [
        ["a", "a"],
        ["Model", "model"],
        ["a", "a/b"],
        ["a/b", "a"],
        ["A", "a/b"],
        ["a/b/c", "a/b"],
        ["a/x", "A/y"],
        ["manifest.json"],
        ["Manifest.JSON"],
        ["manifest.json/x"],
    ],
    ids=str,
)
def test_two_names_in_one_place_are_refused(paths: list[str]) -> None:
    with pytest.raises(Refused, match=r"same name|a file and a folder") as caught:
        refuse_clashes("bundle", paths)
    assert caught.value.kind == "archive"


def test_others_are_not() -> None:
    refuse_clashes("bundle", ["a", "a.b", "ab", "b/a", "b/c", "b/d/a"])
