"""What spoilt measured times."""

from __future__ import annotations

from sepia.report.disturbed import disturbance, disturbances
from sepia.report.results import Conditions
from support.sample_results import make_row


def test_a_busy_machine_is_told() -> None:
    busy = make_row(before=Conditions(load_average=3.4), after=Conditions(load_average=9))
    assert disturbances([busy]) == [
        "host-debian12 was busy with other work (load average up to 3.4): times may be too high."
    ]
    # The run before leaves a load of its threads behind; the load after a run is its own.
    assert disturbances([make_row(before=Conditions(load_average=1.4), after=Conditions(load_average=9))]) == []
    assert disturbances([make_row(threads=4, before=Conditions(load_average=4.2))]) == []


def test_a_throttled_clock_is_told_but_not_of_what_has_no_time() -> None:
    hot = Conditions(throttled=True)
    assert disturbances([make_row(before=Conditions(throttled=False), after=hot)]) == [
        "host-debian12 was throttled by heat or a weak power supply: times are too high."
    ]
    assert disturbances([make_row(after=hot, latency_ms=None)]) == []
    assert disturbances([make_row(after=hot, how="predicted", latency_bound=0.1)]) == []


def test_a_disturbed_run_says_by_what_and_after_how_many_attempts() -> None:
    row = make_row(disturbed=("throttled by heat", "swapped 12 MiB"), attempts=3)
    assert disturbances([row]) == [
        "tiny.tflite.int8 on host-debian12-litert-t1: throttled by heat, swapped 12 MiB, in the last of 3 attempts: "
        "times may be too high."
    ]
    assert disturbance(make_row(disturbed=("throttled",), attempts=1)) == "throttled"
    assert disturbance(make_row(attempts=2)) == ""


def test_the_watch_of_a_run_is_believed_over_the_load_before_it() -> None:
    assert disturbances([make_row(attempts=1, before=Conditions(load_average=3.4))]) == []
