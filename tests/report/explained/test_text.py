"""The terminal's text, word for word."""

from __future__ import annotations

from collections.abc import Callable

from sepia.report.explained import to_text
from support.sample_explanation import sample_explanation


def test_text(golden: Callable[[str, str], None]) -> None:
    golden("explanation.txt", to_text(sample_explanation()) + "\n")


def test_few_rows_still_tell_the_hints_of_the_rest(golden: Callable[[str, str], None]) -> None:
    golden("explanation-one-row.txt", to_text(sample_explanation(), rows=1) + "\n")


def test_doubts_are_told() -> None:
    text = to_text(sample_explanation(rebuilt=0.11, lost=("x (Conv)",), built_in=True))
    assert "the parts found make 0.125 and not 0.25" in text
    assert "not found in the float network: x (Conv)" in text
    assert "no data was given" in text
