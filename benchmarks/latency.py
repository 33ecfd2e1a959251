"""Two files in the same runtime, interleaved. `python -m benchmarks.latency PHOTOS RUNTIME OURS THEIRS SECONDS`.

Both sessions are open in one process, one thread each. A round is a block of inferences of each file, the order
turned about from round to round; the first of each block is thrown away, as it pays for the other's caches.
Prints JSON: a Ratio, times in milliseconds.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

from .feeding import as_asked
from .ratios import Ratio, ratio_of_medians

__all__ = ["interleave", "time_pair"]

BLOCK = 12
"""Inferences of one file before the other's turn: enough to be as warm as alone, short against the machine's moods."""


def interleave(
    ours: Callable[[], object], theirs: Callable[[], object], *, rounds: int, block: int = BLOCK
) -> tuple[list[list[float]], list[list[float]]]:
    """Times in ms by round of each, ours first in even rounds and last in odd ones."""
    times: tuple[list[list[float]], list[list[float]]] = ([], [])
    for number in range(rounds):
        sides = ((0, ours), (1, theirs))
        for side, call in sides if number % 2 == 0 else sides[::-1]:
            times[side].append(_block(call, block))
    return times


def _block(call: Callable[[], object], block: int) -> list[float]:
    call()
    taken = []
    for _ in range(block):
        began = time.perf_counter_ns()
        call()
        taken.append((time.perf_counter_ns() - began) / 1e6)
    return taken


def time_pair(photos: Path, runtime: str, ours: Path, theirs: Path, seconds: float) -> Ratio:
    """Interleave two files for about `seconds`, at least 10 rounds."""
    import numpy as np
    from sepia.runtime import RUNTIMES

    photo = np.load(photos / "validation.npy", mmap_mode="r")[:1].copy()
    engine = RUNTIMES[runtime]
    with engine.open(ours, threads=1) as first, engine.open(theirs, threads=1) as second:
        calls = []
        for session in (first, second):
            (asked,) = session.inputs
            feeds = {asked.name: as_asked(photo, asked.shape, asked.dtype, asked.scale, asked.zero_point)}
            calls.append(lambda session=session, feeds=feeds: session.run(feeds))
        warm = interleave(calls[0], calls[1], rounds=4)
        a_round = sum(sum(block) for side in warm for block in side) / 4 / 1e3
        rounds = max(10, round(seconds / a_round))
        return ratio_of_medians(*interleave(calls[0], calls[1], rounds=rounds))


if __name__ == "__main__":
    where, engine_name, mine, peer, duration = sys.argv[1:]
    print(json.dumps(asdict(time_pair(Path(where), engine_name, Path(mine), Path(peer), float(duration)))))
