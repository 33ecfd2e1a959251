"""The table of a run in Markdown, a row a network; under it what was refused, what differs, what is in float."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from ..tables import table
from .carried import TORCH, Carried, Int8

__all__ = ["page"]

RUNTIMES = ("onnxruntime", "litert", "tflite-runtime", "openvino")
_HEADER = (
    "network", "float error", "torch's own", "int8 layers", *RUNTIMES, "verdict", "rms %", "in float",
)  # fmt: skip
_LEGEND = """float error: the greatest of all runtimes' outputs in float32 against torch in float64, over the greatest
value of that output; torch's own float32 beside it. By runtime: share of equal codes, and the most that one
is off. rms: of the int8 network's outputs over their spread, the worst runtime. in float: layers, in the runtimes'
order."""


def page(found: Sequence[Carried], machine: dict[str, str], command: str) -> str:
    """found: in the order of the zoo. machine: as `machine.describe` gives it."""
    parts = [f"`{command}`", table(("machine", ""), list(machine.items())), _LEGEND]
    parts += [table(_HEADER, [_row(one) for one in found])]
    parts += [_under("Not written", _refused(found)), _under("What differs", _broken(found))]
    parts += [_under("Layers in float, and why", _in_float(found)), _under("Not run", _missing(found))]
    return "\n\n".join(part for part in parts if part) + "\n"


def _row(one: Carried) -> tuple[str, ...]:
    errors = [error for runtime, error in one.float_error.items() if runtime != TORCH]
    own = one.float_error.get(TORCH)
    losses = [int8.rms for int8 in one.int8.values() if int8.rms is not None]
    layers = {int8.layers for int8 in one.int8.values()}
    return (
        one.name,
        f"{max(errors):.1e}" if errors else "–",
        "–" if own is None else f"{own:.1e}",
        ", ".join(str(count) for count in sorted(layers)) or "–",
        *_each(one, lambda int8: f"{int8.share:.3%}" + (f", {int8.max_lsb} LSB" if int8.max_lsb else "")),
        "as rounding explains" if one.agrees else "**differs**",
        f"{100 * max(losses):.1f}" if losses else "–",
        " / ".join(_each(one, lambda int8: str(sum(int8.in_float.values())))),
    )


def _each(one: Carried, told: Callable[[Int8], str]) -> list[str]:
    return [told(one.int8[runtime]) if runtime in one.int8 else "–" for runtime in RUNTIMES]


def _refused(found: Iterable[Carried]) -> list[str]:
    return [f"{one.name}, {format_}: {why}" for one in found for format_, why in one.refused.items()]


def _broken(found: Iterable[Carried]) -> list[str]:
    lines = []
    for one in found:
        for runtime, int8 in one.int8.items():
            lines += [f"{one.name}, {runtime}, `{layer}`: {why}" for layer, why in int8.broken.items()]
            lines += [f"{one.name}, {runtime}: {int8.failure}"] if int8.failure else []
    return lines


def _in_float(found: Iterable[Carried]) -> list[str]:
    """One line a kind of layer, runtime and reason, with the networks that have it."""
    kinds: dict[tuple[str, str], list[str]] = {}
    for one in found:
        for runtime, int8 in one.int8.items():
            for kind, count in int8.in_float.items():
                kinds.setdefault((runtime, kind), []).append(f"{one.name} {count}")
    return [f"{runtime}, {kind} ({', '.join(names)})" for (runtime, kind), names in sorted(kinds.items())]


def _missing(found: Iterable[Carried]) -> list[str]:
    return sorted({f"{runtime}: {why}" for one in found for runtime, why in one.missing.items()})


def _under(title: str, lines: list[str]) -> str:
    return f"### {title}\n\n" + "\n".join(f"- {line}" for line in lines) if lines else ""
