"""What the terminal and the page say of a separation."""

from __future__ import annotations

import pytest
from pydantic import ValidationError
from sepia.report.separation import Judged, LayerRow, NetworkFigures, Separation, Tried, to_text
from sepia.report.separation.html import to_html


def sample(**changed: object) -> Separation:
    row = LayerRow(
        layer="stem<conv>", kind="standard", technique="depthwise + pointwise", rank=2, with_data=True,
        response_error=0.125, weight_error=0.2, params_before=9216, params=2048, macs_before=2_000_000, macs=500_000,
        p50_us_before=41.4, p50_us=None,
    )  # fmt: skip
    blind = row.model_copy(update={"layer": "wide", "with_data": False, "technique": "spatially separable"})
    settings: dict[str, object] = {
        "source": "net.pt2",
        "goal": "--budget 40%",
        "chosen_by": "outputs",
        "data": "photos (10 images)",
        "samples_seen": 8,
        "samples_held": 2,
        "seed": 0,
        "repair_steps": 400,
        "before": NetworkFigures(params=20_000, macs=5_000_000, separable_share=0, p50_ms=1.25),
        "after": NetworkFigures(params=6_000, macs=2_000_000, separable_share=0.75, p50_ms=0.75),
        "without_repair": Judged(loss=0.375, agreement=0.5),
        "with_repair": Judged(loss=0.125, agreement=1.0),
        "tried": (Tried(macs=2_000_000, agreement=1.0),),
        "layers": (row, blind),
        "left": {"one": "depthwise already", "two": "depthwise already", "three": "the goal does not need it"},
    }
    return Separation.model_validate(settings | changed)


def test_text() -> None:
    lines = to_text(sample()).splitlines()
    assert lines[0] == "net.pt2, --budget 40%: MACs 5 → 2 M (40.0%), parameters 0.02 → 0.006 M"
    assert lines[1] == "on one thread here, ONNX Runtime, float: p50 1.25 → 0.75 ms (measured)"
    assert lines[2] == (
        "on 2 samples held back: agreement 0.5000, error 37.5 % of the outputs' spread without repair, "
        "agreement 1.0000, error 12.5 % of the outputs' spread with"
    )
    assert lines[3] == "tried: 2 M MACs, agreement 1.0"
    assert " ".join(lines[5].split()) == "stem<conv> depthwise + pointwise 2 12.5 % 9.216 2.048 2 0.5 41 –"
    assert "12.5 % (weights)" in lines[6]
    assert lines[-1] == "left as they are: 2 (depthwise already), 1 (the goal does not need it)"


def test_what_was_not_measured_is_not_told() -> None:
    before = NetworkFigures(params=20_000, macs=5_000_000, separable_share=0, p50_ms=None)
    text = to_text(sample(before=before, with_repair=None, without_repair=Judged(loss=0.1, agreement=None)))
    assert (
        "one thread" not in text
        and "agreement" not in text.splitlines()[1]
        and " with" not in text.splitlines()[1][-9:]
    )


def test_instructions_of_an_emulated_core_are_called_so() -> None:
    before = NetworkFigures(params=20_000, macs=5_000_000, separable_share=0, p50_ms=None, instructions=4_000_000)
    after = before.model_copy(update={"instructions": 1_250_000})
    found = sample(before=before, after=after, target="pi4@emulator")
    line = "on one thread of pi4@emulator, ONNX Runtime, float: 4 → 1.25 M instructions (emulated)"
    assert line in to_text(found).splitlines()
    assert "emulated, on pi4@emulator; before 4" in to_html(found) and "latency p50" not in to_html(found)


def test_page_tells_the_same_and_lets_no_name_break_out() -> None:
    page = to_html(sample())
    assert "stem&lt;conv&gt;" in page and "<script" not in page
    for told in ("1.0000", "0.75", "depthwise + pointwise", "40.0%", "photos (10 images)"):
        assert told in page


def test_the_record_is_read_back_and_refuses_what_it_does_not_know() -> None:
    found = sample()
    assert Separation.model_validate_json(found.model_dump_json(by_alias=True)) == found
    with pytest.raises(ValidationError, match="agrement"):
        sample(agrement=1)
