"""Which places a run measures at: what the user named, each told from the others."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from ..devices.place import Place, parse_place
from ..errors import ConfigError

__all__ = ["bench_places"]


def bench_places(texts: Sequence[str]) -> tuple[Place, ...]:
    """Every place once, in the order named. Of one label at two destinations, each gets its destination's name too.

    Raises ConfigError on a name that is none, with the grammar or the nearest names.
    """
    places = tuple({text: parse_place(text) for text in texts}.values())
    seen = Counter((place.label, _narrowed(place)) for place in places)
    told = tuple(_told_apart(place) if seen[place.label, _narrowed(place)] > 1 else place for place in places)
    twice = [key for key, count in Counter((place.label, _narrowed(place)) for place in told).items() if count > 1]
    if twice:
        raise ConfigError("--target", f"'{twice[0][0]}' is named twice", accepted="each board once")
    return told


def _narrowed(place: Place) -> tuple[object, ...]:
    return (place.system, place.runtime, place.threads)


def _told_apart(place: Place) -> Place:
    """`pi4` at pi@10.0.0.3 → `pi4.10.0.0.3`."""
    if place.destination is None:
        return place
    host = re.sub(r"[^a-z0-9.]", "", place.destination.rpartition("@")[2].removeprefix("ssh://").lower()).strip(".")
    return replace(place, label=f"{place.label}.{host}") if host else place
