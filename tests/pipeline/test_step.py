"""A step is skipped when nothing changed, and only then."""

from __future__ import annotations

from pathlib import Path

import pytest
from sepia.errors import OutputError
from sepia.pipeline.step import Step, perform


def copying(folder: Path, source: Path, calls: list[str], settings: dict[str, object] | None = None) -> Step:
    target = folder / "copy.txt"

    def action() -> None:
        calls.append("ran")
        target.write_text(source.read_text())

    return Step("copy", folder, action, (source,), (target,), settings or {})


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "source.txt"
    path.write_text("one")
    return path


def test_the_second_time_is_skipped(tmp_path: Path, source: Path) -> None:
    calls: list[str] = []
    assert not perform(copying(tmp_path, source, calls)).skipped
    assert perform(copying(tmp_path, source, calls)).skipped
    assert calls == ["ran"]


def test_a_changed_input_repeats_it(tmp_path: Path, source: Path) -> None:
    calls: list[str] = []
    perform(copying(tmp_path, source, calls))
    source.write_text("two")
    assert not perform(copying(tmp_path, source, calls)).skipped
    assert (tmp_path / "copy.txt").read_text() == "two"


def test_changed_settings_repeat_it(tmp_path: Path, source: Path) -> None:
    calls: list[str] = []
    perform(copying(tmp_path, source, calls, {"threads": 1}))
    assert not perform(copying(tmp_path, source, calls, {"threads": 2})).skipped


@pytest.mark.parametrize("damage", [lambda path: path.unlink(), lambda path: path.write_text("spoilt")])
def test_a_lost_or_changed_output_repeats_it(tmp_path: Path, source: Path, damage) -> None:  # type: ignore[no-untyped-def]
    calls: list[str] = []
    perform(copying(tmp_path, source, calls))
    damage(tmp_path / "copy.txt")
    assert not perform(copying(tmp_path, source, calls)).skipped
    assert (tmp_path / "copy.txt").read_text() == "one"


def test_a_step_that_was_stopped_is_done_again(tmp_path: Path, source: Path) -> None:
    calls: list[str] = []
    good = copying(tmp_path, source, calls)
    perform(good)
    source.write_text("two")

    def interrupted() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        perform(Step("copy", tmp_path, interrupted, good.inputs, good.outputs))
    source.write_text("one")  # back to the inputs of the first record, which must not count any more
    assert not perform(good).skipped


def test_every_file_of_an_input_folder_counts(tmp_path: Path) -> None:
    photos = tmp_path / "photos" / "inner"
    photos.mkdir(parents=True)
    (photos / "a").write_text("a")
    target = tmp_path / "out"
    step = Step("s", tmp_path, lambda: target.write_text("x") and None, (tmp_path / "photos",), (target,))
    perform(step)
    assert perform(step).skipped
    (photos / "b").write_text("b")
    assert not perform(step).skipped


def test_a_step_that_wrote_nothing_is_an_error(tmp_path: Path, source: Path) -> None:
    step = Step("lazy", tmp_path, lambda: None, (source,), (tmp_path / "never",))
    with pytest.raises(OutputError, match="step 'lazy' ended without it"):
        perform(step)
    assert not step.record.exists()
