"""The page of shipping's faults and attacks has a line for each of them."""

from __future__ import annotations

from support.ship_faults import ROWS, SHIP_PAGE


def test_every_fault_and_attack_has_its_line() -> None:
    told = SHIP_PAGE.read()
    assert list(told) == list(ROWS), f"run pytest --regen, with the slow tests, and read {SHIP_PAGE.path}"
    assert all("Permission denied" not in line or "home" in fault for fault, line in told.items())
