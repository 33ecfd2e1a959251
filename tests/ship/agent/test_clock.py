from __future__ import annotations

from datetime import datetime, timedelta

from sepia.ship.agent.clock import BUILT, UTC, read_clock

SEEN = datetime(2027, 3, 1, 12, tzinfo=UTC)


def test_a_clock_that_goes_is_taken_as_it_is() -> None:
    now = SEEN + timedelta(days=3)
    assert (read_clock(now, SEEN).taken, read_clock(now, SEEN).said) == (now, "")


def test_a_pi_before_ntp_takes_what_it_has_seen_and_says_so() -> None:
    clock = read_clock(datetime(1970, 1, 1, 0, 2, tzinfo=UTC), SEEN)
    assert clock.taken == SEEN
    assert clock.said.startswith("the clock says 1970-01-01 00:02 UTC, before 2027-03-01 12:00 UTC, which has been")


def test_a_pi_that_has_seen_nothing_takes_the_day_of_its_agent() -> None:
    assert read_clock(datetime(1970, 1, 1, tzinfo=UTC), None).taken == BUILT


def test_what_was_seen_counts_for_no_less_than_the_agents_day() -> None:
    assert read_clock(datetime(1970, 1, 1, tzinfo=UTC), datetime(2001, 1, 1, tzinfo=UTC)).taken == BUILT


def test_a_clock_that_drifts_is_not_worth_a_line() -> None:
    clock = read_clock(SEEN - timedelta(minutes=5), SEEN)
    assert (clock.taken, clock.said) == (SEEN, "")
