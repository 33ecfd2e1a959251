"""The page and its pictures: what is committed is what the command writes, alike in both languages; its code runs."""

from __future__ import annotations

import ast
import re
import xml.etree.ElementTree as Tree
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from benchmarks.separable.page import DOCS, NAMES, PICTURES, page_text, pictures, write_page
from benchmarks.separable.words import LANGUAGES, WORDS, Language, number, say

REDO = "python -m benchmarks.separable writes it anew"


def committed(language: Language) -> str:
    return (DOCS / NAMES[language]).read_text(encoding="utf-8")


def test_what_is_committed_is_what_the_command_writes(tmp_path: Path) -> None:
    written = {path.relative_to(tmp_path) for path in write_page(tmp_path)}
    for path in written:
        assert (tmp_path / path).read_bytes() == (DOCS / path).read_bytes(), f"{path}: {REDO}"
    there = {path.relative_to(DOCS) for path in (DOCS / PICTURES).iterdir()}
    assert there == {path for path in written if path.suffix == ".svg"}, "a picture that nobody draws"


def figures(text: str) -> Counter[str]:
    """Numbers of a page, spaces between thousands and the comma of a fraction taken out."""
    found = re.findall(r"\d+(?:\u00a0\d{3})*(?:[.,]\d+)*", text)
    return Counter(figure.replace("\u00a0", "").replace(",", ".") for figure in found)


def test_both_languages_tell_the_same_figures() -> None:
    english, russian = (figures(committed(language)) for language in LANGUAGES)
    assert english - russian == russian - english == Counter()
    assert sum(english.values()) > 300


def test_both_languages_have_the_same_sections_pictures_and_code() -> None:
    def skeleton(text: str) -> dict[str, list[str]]:
        return {
            "sections": re.findall(r"\{ #(\w+) \}", text),
            "pictures": re.findall(r"\]\(images/separable/(\w+)\.\w\w\.svg\)", text),
            "code": re.findall(r"```python\n(.*?)```", text, re.DOTALL),
            "tables": re.findall(r"^\|(?:---\|)+$", text, re.MULTILINE),
            "papers": re.findall(r"arXiv:[\d.]+\d", text),
        }

    english, russian = (skeleton(committed(language)) for language in LANGUAGES)
    assert english == russian
    assert sorted(english["pictures"]) == sorted(pictures("en"))
    assert len(english["code"]) == 7


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_picture_is_described_in_its_language(language: Language) -> None:
    for words, name in re.findall(r"!\[(.*?)\]\((.*?)\)", committed(language)):
        assert len(words) > 25, name
        assert bool(re.search("[а-яё]", words)) == (language == "ru"), name
        assert name.endswith(f".{language}.svg")


def test_russian_is_russian() -> None:
    prose = re.sub(r"```.*?```|`[^`]*`|\(.*?\)|\|.*", "", committed("ru"), flags=re.DOTALL)
    letters, latin = len(re.findall("[а-яё]", prose)), len(re.findall("[a-z]", prose))
    assert letters > 5 * latin


def blocks() -> list[str]:
    return re.findall(r"```python\n(.*?)```", committed("en"), re.DOTALL)


@pytest.mark.parametrize("block", blocks(), ids=lambda block: block.splitlines()[-2][:40])
def test_code_on_the_page_runs_and_gives_what_stands_below_it(block: str) -> None:
    """`# text` under an expression is its repr."""
    names: dict[str, Any] = {}
    lines = block.splitlines()
    told = 0
    for statement in ast.parse(block).body:
        source = ast.unparse(statement)
        if not isinstance(statement, ast.Expr):
            exec(source, names)  # the page's own code
            continue
        below = lines[statement.end_lineno or 0]
        assert below.startswith("# ")
        assert repr(eval(source, names)) == below.removeprefix("# ")
        told += 1
    assert told


@pytest.mark.parametrize("language", LANGUAGES)
def test_pictures_are_whole_and_follow_the_scheme(language: Language) -> None:
    for name, picture in pictures(language).items():
        text = picture.render()
        root = Tree.fromstring(text)
        assert root.find("{*}title") is not None and picture.title
        assert "prefers-color-scheme:dark" in text and "NaN" not in text and "inf" not in text
        used = set(re.findall(r'class="([^"]+)"', text))
        styled = set(re.findall(r"\.([\w-]+)\{", text)) | {"card"}
        assert {look for looks in used for look in looks.split()} <= styled, name


@pytest.mark.parametrize("language", LANGUAGES)
def test_nothing_is_drawn_outside_a_picture(language: Language) -> None:
    for name, picture in pictures(language).items():
        for path in re.findall(r' d="([^"]+)"', picture.render()):
            points = [tuple(map(float, pair.split())) for pair in re.split("[MLZ]", path) if pair]
            for x, y in points:
                assert 0 <= x <= picture.width and 0 <= y <= picture.height, (name, x, y)


def test_every_word_is_there_twice() -> None:
    for key, (english, russian) in WORDS.items():
        assert re.findall(r"\{\d\}", english) == re.findall(r"\{\d\}", russian), key
    assert say("rank", "ru", 2) == "ранг 2"


@pytest.mark.parametrize(
    ("value", "digits", "english", "russian"),
    [
        (1234567, 0, "1\u00a0234\u00a0567", "1\u00a0234\u00a0567"),
        (1234.5, 1, "1\u00a0234.5", "1\u00a0234,5"),
        (-0.25, 2, "-0.25", "-0,25"),
    ],
)
def test_numbers_as_each_language_writes_them(value: float, digits: int, english: str, russian: str) -> None:
    assert number(value, digits, "en") == english
    assert number(value, digits, "ru") == russian


def test_the_page_names_its_command_and_how_figures_were_had() -> None:
    for language in LANGUAGES:
        text = page_text(language)
        assert "python -m benchmarks.separable --measure" in text and "`measured`" in text
        assert "ONNX Runtime 0" not in text
