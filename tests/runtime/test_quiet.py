"""A library's small talk is dropped, and nothing else."""

from __future__ import annotations

import os

import pytest
from sepia.runtime.quiet import without_small_talk


def test_only_lines_of_that_kind_are_dropped(capfd: pytest.CaptureFixture[str]) -> None:
    with without_small_talk(b"INFO: "):
        os.write(2, b"INFO: made a thing\nERROR: a real one\nINFO: another\n")
    os.write(2, b"INFO: later\n")
    assert capfd.readouterr().err == "ERROR: a real one\nINFO: later\n"


def test_an_error_passes_and_standard_error_is_back(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ValueError, match="inside"), without_small_talk(b"INFO: "):
        os.write(2, b"before it\n")
        raise ValueError("inside")
    os.write(2, b"after it\n")
    assert capfd.readouterr().err == "before it\nafter it\n"


def test_no_file_descriptor_is_lost() -> None:
    def lowest_free() -> int:
        found = os.dup(0)
        os.close(found)
        return found

    before = lowest_free()
    for _ in range(5):
        with without_small_talk(b"x"):
            pass
    assert lowest_free() == before
