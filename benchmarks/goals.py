"""What a run has to reach, and where it did not."""

from __future__ import annotations

from .contestants import CONTESTANTS, OURS
from .results import Results, standing_of

__all__ = ["missed"]

LATENCY_GOAL = 1.0
MEMORY_GOAL = 1.1


def missed(results: Results) -> list[str]:
    """A line for each goal missed: our time above a peer's, a latency ratio above 1, memory that grows by photos.

    A latency ratio counts as missed only where its whole interval is above 1: within it the two can't be told apart.
    """
    lines = []
    ours = results.roads.get(OURS.name)
    for contestant in CONTESTANTS[1:]:
        theirs = results.roads.get(contestant.name)
        if ours and theirs:
            ratio = standing_of(ours).wall_seconds / standing_of(theirs).wall_seconds
            if ratio > 1:
                lines.append(f"wall time is {ratio:.2f} of {contestant.name}'s")
    for pair in results.latency:
        if pair.ratio.low > LATENCY_GOAL:
            lines.append(f"latency in {pair.runtime} is {pair.ratio.value:.3f} of {pair.peer}'s")
    for growth in results.memory:
        if growth.name.startswith(OURS.name) and growth.ratio > MEMORY_GOAL:
            lines.append(
                f"memory of {growth.name} grows by {growth.ratio:.2f} from {growth.few} to {growth.many} photos"
            )
    return lines
