"""Sentences that every form of the report says alike: how figures were had, on what, calibrated with what."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from .columns import in_megabytes
from .fact import How
from .facts import DeviceFacts, QuantizationFacts
from .row import Conditions, Row

__all__ = [
    "calibration_statement",
    "conditions_statement",
    "device_statement",
    "failed_devices",
    "how_statement",
]

_MEANING: dict[How, str] = {
    "measured": "measured on that hardware",
    "emulated": "emulated (real binaries on an emulated core: outputs and instructions, no time)",
    "predicted": "predicted by a model, ≈ before the figure",
}

_SPANS = ((365.25 * 86400, "years"), (86400.0, "days"), (3600.0, "hours"), (60.0, "minutes"))


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
    """One device in one line: model, processor, cores, memory, system, its state over its rows, and why it failed."""
    cores = f"{device.cores} core{'s' if device.cores and device.cores > 1 else ''}" if device.cores else None
    memory = f"{in_megabytes(device.memory_bytes / 1024)} GiB" if device.memory_bytes else None
    virtual = "virtual machine" if device.virtual else None
    extensions = ", ".join(device.extensions) or None
    libc = f"glibc {device.libc}" if device.libc else None
    parts = (device.model, device.cpu, device.architecture, cores, extensions, memory, device.system, libc, virtual)
    known = ", ".join(part for part in (*parts, _clock(device)) if part) or ("" if device.failure else "nothing known")
    state = conditions_statement([row for row in rows if row.target.startswith(f"{device.name}-")])
    emulated = "emulated core: " if device.how == "emulated" else ""
    failure = "FAILED: " + device.failure.removeprefix(f"{device.name}: ").rstrip(".") if device.failure else ""
    return f"{device.name}: " + "; ".join(part for part in (emulated + known, state, failure) if part) + "."


def _clock(device: DeviceFacts) -> str | None:
    """A clock that is off by more than a minute: file times and certificates there are not to be trusted."""
    skew = device.clock_skew_s or 0.0
    if abs(skew) < 60:
        return None
    size, unit = next((size, unit) for size, unit in _SPANS if abs(skew) >= size)
    return f"its clock {abs(skew) / size:.1f} {unit} {'ahead' if skew > 0 else 'behind'}"


def failed_devices(devices: Iterable[DeviceFacts]) -> list[str]:
    """Each device that failed, with its first cause."""
    return [_named(device.name, device.failure) for device in devices if device.failure]


def _named(name: str, failure: str) -> str:
    # An error of a board begins with its name.
    return failure if failure.startswith(f"{name}: ") else f"{name}: {failure}"


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


def _span(name: str, values: Iterable[float | None], unit: str, decimals: int = 0) -> str:
    known = [f"{value:.{decimals}f}" for value in sorted(value for value in values if value is not None)]
    if not known:
        return ""
    span = known[0] if known[0] == known[-1] else f"{known[0]}–{known[-1]}"
    return f"{name} {span} {unit}".rstrip()


def _throttling(states: Sequence[Conditions]) -> str:
    told = [state.throttled for state in states if state.throttled is not None]
    return ("THROTTLED" if any(told) else "not throttled") if told else ""
