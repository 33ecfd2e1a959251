"""The order of interleaved calls; no time is asserted on."""

from __future__ import annotations

from benchmarks.latency import interleave


def test_blocks_alternate_and_turn_about() -> None:
    calls: list[str] = []
    ours, theirs = interleave(lambda: calls.append("o"), lambda: calls.append("t"), rounds=2, block=2)
    # A block is one call that is thrown away and two that count; the second round begins with theirs.
    assert "".join(calls) == "ooottt" + "tttooo"
    assert [len(block) for block in ours + theirs] == [2, 2, 2, 2]
