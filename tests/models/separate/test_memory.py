"""Measured once, also over a stop; never trusted where something else was measured."""

from __future__ import annotations

from pathlib import Path

from sepia.models.separate.descend import Chosen
from sepia.models.separate.memory import remembering
from support.separable_options import option

SETS: list[Chosen] = [{}, {"a": option("a", 5, 0.1)}, {"a": option("a", 5, 0.1), "b": option("b", 7, 0.3)}]


class Counting:
    def __init__(self) -> None:
        self.calls = 0

    def __call__(self, chosen: Chosen) -> float:
        self.calls += 1
        return 0.1 * len(chosen) + 1 / 3


def test_a_set_is_measured_once_and_read_back_bit_for_bit(tmp_path: Path) -> None:
    path, first, second = tmp_path / "work" / "losses.jsonl", Counting(), Counting()
    measured = remembering(first, path, "key")
    losses = [measured(one) for one in (*SETS, *SETS)]
    assert first.calls == 3
    assert [remembering(second, path, "key")(one) for one in (*SETS, *SETS)] == losses
    assert second.calls == 0


def test_a_row_that_was_cut_off_is_measured_again(tmp_path: Path) -> None:
    path, first, second = tmp_path / "losses.jsonl", Counting(), Counting()
    measured = remembering(first, path, "key")
    losses = [measured(one) for one in SETS]
    path.write_bytes(path.read_bytes()[:-9])
    again = remembering(second, path, "key")
    assert [again(one) for one in SETS] == losses and second.calls == 1
    third = Counting()
    assert [remembering(third, path, "key")(one) for one in SETS] == losses and third.calls == 0


def test_another_network_or_other_samples_begin_anew(tmp_path: Path) -> None:
    path, first, second = tmp_path / "losses.jsonl", Counting(), Counting()
    remembering(first, path, "key")(SETS[1])
    remembering(second, path, "another key")(SETS[1])
    assert second.calls == 1


def test_without_a_file_it_remembers_too() -> None:
    counting = Counting()
    measured = remembering(counting, None, "key")
    assert measured(SETS[1]) == measured(SETS[1]) and counting.calls == 1
