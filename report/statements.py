"""Sentences that every form of the report says alike: how figures were had, on what, calibrated with what."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from .columns import in_megabytes
from .fact import How
from .facts import DeviceFacts, QuantizationFacts
from .labels import place
from .row import Conditions, Row

__all__ = [
    "calibration_statement",
    "conditions_statement",
    "device_statement",
    "disturbances",
    "how_statement",
]

_MEANING: dict[How, str] = {
    "measured": "measured on that hardware",
    "emulated": "emulated (real binaries on an emulated core: outputs and instructions, no time)",
    "predicted": "predicted by a model, ≈ before the figure",
}


def how_statement(rows: Sequence[Row]) -> str:
    """How many rows were measured, emulated and predicted, and what that means."""
    if not rows:
        return "There are no rows."
    counts = Counter(row.how for row in rows)
    parts = [f"{counts[how]} {meaning}" for how, meaning in _MEANING.items() if counts[how]]
    return f"{len(rows)} row{'s' if len(rows) > 1 else ''}: " + "; ".join(parts) + "."


def calibration_statement(made: QuantizationFacts) -> str:
    """Which data the ranges of one quantisation came from; says aloud that it was the built-in photos."""
    recipe = f" (recipe {made.recipe})" if made.recipe else ""
    data = made.calibration
    if data is None:
        return f"{made.model}{recipe}: calibration data unknown."
    why = ": no calibration data was given, so ranges may not fit yours" if data.built_in else ""
    safe = " Weights keep to half their range (saturation-safe)." if made.saturation_safe else ""
    return f"{made.model}{recipe}: calibrated on {data.name}, {data.count} samples{why}.{safe}"


def device_statement(device: DeviceFacts, rows: Iterable[Row]) -> str:
    """One device in one line: processor, cores, memory, system, and its state over its rows."""
    cores = f"{device.cores} core{'s' if device.cores and device.cores > 1 else ''}" if device.cores else None
    memory = f"{in_megabytes(device.memory_bytes / 1024)} GiB" if device.memory_bytes else None
    virtual = "virtual machine" if device.virtual else None
    extensions = ", ".join(device.extensions) or None
    parts = (device.cpu, device.architecture, cores, extensions, memory, device.system, virtual)
    known = ", ".join(part for part in parts if part) or "nothing known"
    state = conditions_statement([row for row in rows if row.target.startswith(f"{device.name}-")])
    return f"{device.name}: {known}" + (f"; {state}" if state else "") + "."


def conditions_statement(rows: Iterable[Row]) -> str:
    """Clock, governor, temperature, throttling and load over `rows`, before and after; "" if nothing is known."""
    states = [state for row in rows for state in (row.before, row.after) if state]
    governors = ", ".join(dict.fromkeys(state.governor for state in states if state.governor))
    parts = [
        _span("clock", (state.frequency_mhz for state in states), "MHz"),
        f"governor {governors}" if governors else "",
        _span("temperature", (state.temperature_c for state in states), "°C"),
        _throttling(states),
        _span("load average", (state.load_average for state in states), "", 2),
    ]
    return ", ".join(part for part in parts if part)


def disturbances(rows: Iterable[Row]) -> list[str]:
    """What spoilt measured times, a sentence a place: other work on the machine, or a clock that was held down.

    Busy: a load average before the run above its threads and a half (the run before leaves as many behind).
    """
    measured = [row for row in rows if row.how == "measured" and row.latency_ms is not None]
    found = []
    for where in dict.fromkeys(place(row) for row in measured):
        here = [row for row in measured if place(row) == where]
        loads = [row.before.load_average for row in here if row.before and row.before.load_average is not None]
        quiet = max(row.threads for row in here) + 0.5
        if max(loads, default=0) > quiet:
            found.append(
                f"{where} was busy with other work (load average up to {max(loads):.1f}): times may be too high."
            )
        states = [state for row in here for state in (row.before, row.after) if state]
        if any(state.throttled for state in states):
            found.append(f"{where} was throttled by heat or a weak power supply: times are too high.")
    return found


def _span(name: str, values: Iterable[float | None], unit: str, decimals: int = 0) -> str:
    known = [f"{value:.{decimals}f}" for value in sorted(value for value in values if value is not None)]
    if not known:
        return ""
    span = known[0] if known[0] == known[-1] else f"{known[0]}–{known[-1]}"
    return f"{name} {span} {unit}".rstrip()


def _throttling(states: Sequence[Conditions]) -> str:
    told = [state.throttled for state in states if state.throttled is not None]
    return ("THROTTLED" if any(told) else "not throttled") if told else ""
