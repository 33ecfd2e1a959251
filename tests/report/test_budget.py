"""Budgets: what breaks them, and what is wrong with a budget file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from sepia.errors import ConfigError
from sepia.report import Results
from sepia.report.budget import Budget, breaches, load_budgets
from sepia.report.results import DeviceFacts
from support.sample_results import make_row


def _broken(budget: Budget, old: Results | None = None, **changes: object) -> list[str]:
    return [str(breach) for breach in breaches([budget], Results(rows=(make_row(**changes),)), old)]


ROW = "tiny.tflite.int8 on host-debian12-litert-t1"


@pytest.mark.parametrize(("limit", "broken"), [(2.4, 1), (2.5, 0), (2.6, 0)])
def test_at_most(limit: float, broken: int) -> None:
    assert len(_broken(Budget(max={"latency_ms": limit}))) == broken


@pytest.mark.parametrize(("limit", "broken"), [(0.96, 0), (0.97, 0), (0.98, 1)])
def test_at_least(limit: float, broken: int) -> None:
    assert len(_broken(Budget(min={"agreement": limit}), images=200, agreement=0.97)) == broken


def test_message_has_figure_limit_and_excess() -> None:
    (told,) = _broken(Budget(max={"latency_ms": 2}))
    assert told == f"{ROW}: latency_ms is 2.5, allowed at most 2 (+25.0%)"


def test_zero_may_be_a_limit() -> None:
    assert _broken(Budget(max={"float_layers": 0}), float_layers=()) == []
    assert "unknown" in _broken(Budget(max={"float_layers": 0}))[0]
    assert _broken(Budget(max={"rms": 0}), images=1, rms=0.5) == [f"{ROW}: rms is 0.5, allowed at most 0"]


def test_unknown_figure_is_not_within_a_budget() -> None:
    assert _broken(Budget(max={"load_ms": 9})) == [f"{ROW}: load_ms is unknown, allowed at most 9"]


def test_wrong_outputs_and_failures_are_not_within_a_budget() -> None:
    budget = Budget(max={"latency_ms": 100})
    assert _broken(budget, outputs="wrong", reason="saturated") == [f"{ROW}: wrong outputs: saturated"]
    assert _broken(budget, failure="refused", latency_ms=None) == [f"{ROW}: did not run: refused"]


def test_a_budget_that_no_row_fits_is_broken() -> None:
    assert _broken(Budget(target="pi4-*", precision="int8", max={"latency_ms": 9})) == [
        "budget for target = pi4-*, precision = int8: no row fits"
    ]


@pytest.mark.parametrize(
    ("patterns", "fits"),
    [
        ({}, True),
        ({"target": "host-*-litert-t?"}, True),
        ({"target": "host"}, False),
        ({"precision": "float"}, False),
        ({"recipe": "mse"}, False),
        ({"recipe": "*"}, True),
        ({"how": "measured", "model": "t*"}, True),
    ],
)
def test_patterns(patterns: dict[str, str], fits: bool) -> None:
    assert Budget(**patterns, max={"latency_ms": 1}).fits(make_row()) is fits  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("figure", "old", "new", "broken"),
    [
        ("latency_ms", 2.0, 2.19, False),
        ("latency_ms", 2.0, 2.21, True),
        ("latency_ms", 2.0, 1.0, False),
        ("agreement", 0.8, 0.71, True),
        ("agreement", 0.8, 0.9, False),
    ],
)
def test_worse_than_before(figure: str, old: float, new: float, broken: bool) -> None:
    before = Results(rows=(make_row(images=9, **{figure: old}),))
    told = _broken(Budget(max_worsening={figure: 0.1}), before, images=9, **{figure: new})
    assert bool(told) is broken
    assert _broken(Budget(max_worsening={figure: 0.1}), None, images=9, **{figure: new}) == []


def test_a_figure_that_got_lost_is_worse() -> None:
    before = Results(rows=(make_row(load_ms=3.0),))
    assert _broken(Budget(max_worsening={"load_ms": 0.1}), before) == [f"{ROW}: load_ms was 3 and is unknown now"]


def test_file_is_read(tmp_path: Path) -> None:
    path = tmp_path / "budget.toml"
    path.write_text('[[budget]]\ntarget = "pi4-*"\nmax = { latency_ms = 40 }\nmin = { agreement = 0.97 }\n')
    assert load_budgets(path) == (Budget(target="pi4-*", max={"latency_ms": 40}, min={"agreement": 0.97}),)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[[budget", "is not TOML"),
        ("", "holds no budget; accepted: tables named [[budget]]"),
        ("budget = 3", "holds no budget"),
        ("[[budgets]]", "unknown key 'budgets'; accepted: did you mean budget?"),
        ("[[budget]]\ntaget = 'x'", "budget 1: unknown key 'taget'; accepted: did you mean target?"),
        (
            "[[budget]]\nmax = { latncy_ms = 3 }",
            "budget 1, max: unknown key 'latncy_ms'; accepted: did you mean latency_ms",
        ),
        ("[[budget]]\nmin = { agrement = 3 }", "did you mean agreement or"),
        ("[[budget]]\nmax_worsening = { images = 0.1 }", "budget 1, max_worsening: unknown key 'images'"),
        ("[[budget]]\nmax = { latency_ms = 'fast' }", "budget 1, max.latency_ms: "),
        ("[[budget]]\ntarget = 3\nmax = { rms = 1 }", "budget 1, target: "),
        ("[[budget]]\ntarget = 'x'", "budget 1 sets no limit; accepted: max, min or max_worsening"),
        ("[[budget]]\nmax = { rms = nan }", "budget 1, max.rms: "),
    ],
)
def test_bad_files(tmp_path: Path, text: str, told: str) -> None:
    path = tmp_path / "budget.toml"
    path.write_text(text)
    with pytest.raises(ConfigError) as caught:
        load_budgets(path)
    assert told in str(caught.value)
    assert "\n" not in str(caught.value)


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        load_budgets(tmp_path / "budget.toml")


def _failed(name: str, **facts: Any) -> Results:
    return Results(rows=(make_row(),), devices=(DeviceFacts(name=name, failure="link lost", **facts),))


@pytest.mark.parametrize("pattern", ["pi4-*", "*", "pi4-bookworm64-litert-t4"])
@pytest.mark.parametrize("name", ["pi4", "pi4-bookworm64"])
def test_a_board_that_failed_breaks_its_budget(pattern: str, name: str) -> None:
    told = [breach.what for breach in breaches([Budget(target=pattern, max={"latency_ms": 40})], _failed(name))]
    assert told == [f"board {name} failed: link lost"]


@pytest.mark.parametrize(("pattern", "how"), [("host-*", "*"), ("*", "emulated")])
def test_a_board_that_failed_breaks_no_other_budget(pattern: str, how: str) -> None:
    told = breaches([Budget(target=pattern, how=how, max={"latency_ms": 40})], _failed("pi4", how="measured"))
    assert all("pi4" not in breach.what for breach in told)


def test_a_disturbed_time_over_its_budget_says_so() -> None:
    row = make_row(disturbed=("throttled",), attempts=3)
    (breach,) = breaches([Budget(max={"latency_ms": 2})], Results(rows=(row,)))
    assert breach.what.endswith("(+25.0%); disturbed: throttled, in the last of 3 attempts")


def test_instructions_have_budgets_in_all_and_by_kind() -> None:
    row = make_row(how="emulated", latency_ms=None, instructions=30, instructions_by_kind={"dot": 10, "load": 20})
    told = breaches([Budget(max={"instructions": 29, "instructions_load": 19})], Results(rows=(row,)))
    assert [breach.figure for breach in told] == ["instructions", "instructions_load"]
