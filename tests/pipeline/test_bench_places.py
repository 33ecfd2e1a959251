"""Places told apart: two boards of one kind never share a target's name."""

from __future__ import annotations

from pathlib import Path

import pytest
from sepia.errors import ConfigError
from sepia.pipeline.bench_places import bench_places


@pytest.fixture(autouse=True)
def _own_config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEPIA_CONFIG", str(tmp_path))


def test_one_board_keeps_its_short_name() -> None:
    (place,) = bench_places(["pi4@pi@10.0.0.3"])
    assert place.label == "pi4"


def test_two_boards_of_a_kind_have_their_hosts_names() -> None:
    labels = [place.label for place in bench_places(["pi4@pi@10.0.0.3", "pi4@ssh://Desk", "pi5@lab"])]
    assert labels == ["pi4.10.0.0.3", "pi4.desk", "pi5"]


def test_a_board_and_its_emulation_are_two() -> None:
    assert [place.label for place in bench_places(["pi4@lab", "pi4@emulator"])] == ["pi4", "pi4.emulator"]


def test_the_same_text_twice_is_one_place() -> None:
    assert len(bench_places(["pi4@lab", "pi4@lab"])) == 1


def test_one_board_with_two_runtimes_is_no_contradiction() -> None:
    texts = ["pi4-bookworm64-litert-t1@lab", "pi4-bookworm64-litert-t4@lab"]
    assert [place.label for place in bench_places(texts)] == ["pi4", "pi4"]


def test_two_names_of_one_host_are_refused() -> None:
    with pytest.raises(ConfigError, match="named twice"):
        bench_places(["pi4@a@lab", "pi4@b@lab"])
