"""The table of a run in Markdown, and what stands under it: refusals, layers in float, what differs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ..tables import table
from .carried import TORCH, Carried, Int8

__all__ = ["page"]

RUNTIMES = (TORCH, "onnxruntime", "litert", "tflite-runtime", "openvino")
_HEADER = ("network", "runtime", "float error", "int8 layers", "equal codes", "max LSB", "verdict", "rms %", "in float")


def page(found: Sequence[Carried], machine: dict[str, str], command: str) -> str:
    """found: in the order of the zoo. machine: as `machine.describe` gives it."""
    parts = [f"`{command}`", table(("machine", ""), list(machine.items())), table(_HEADER, list(_rows(found)))]
    parts += [_under("Not written", _refused(found)), _under("What differs", _broken(found))]
    parts += [_under("Layers in float, and why", _in_float(found)), _under("Not run", _missing(found))]
    return "\n\n".join(part for part in parts if part) + "\n"


def _rows(found: Iterable[Carried]) -> Iterable[tuple[str, ...]]:
    for one in found:
        for runtime in RUNTIMES:
            error, int8 = one.float_error.get(runtime), one.int8.get(runtime)
            if error is None and int8 is None:
                continue
            told = "–" if error is None else f"{error:.1e}"
            yield (one.name, runtime, told, *(("–",) * 6 if int8 is None else _int8(int8)))


def _int8(found: Int8) -> tuple[str, ...]:
    rms = "–" if found.rms is None else f"{100 * found.rms:.2f}"
    verdict = "as rounding explains" if found.passed else "**differs**"
    in_float = str(sum(found.in_float.values()))
    return str(found.layers), f"{found.share:.4%}", str(found.max_lsb), verdict, rms, in_float


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
