"""Which runtimes have wheels where: one table, asked before anything is fetched or sent.

A row is a fact about files on PyPI: seen there with `pip download --no-deps`, its glibc the larger of what the tag says
and what its libraries ask for (the newest GLIBC_x.y among their symbols' versions; ai-edge-litert's tag says 2.27 on
ARM and its libLiteRt.so asks for 2.34). A newer release may do more; what the table refuses would fail on the board.
"""

from __future__ import annotations

from dataclasses import dataclass

from ..runtime import RUNTIMES, runtime_named
from .facts import BoardFacts
from .profile import PROFILES
from .system import SYSTEMS, System, version

__all__ = ["WHEELS", "Verdict", "Wheel", "architecture_of", "runs", "runs_on", "runtimes_for", "runtimes_of"]

_WORDS = {"aarch64": "64-bit ARM", "armv7l": "32-bit ARM", "armv6l": "ARMv6", "x86_64": "x86-64"}


@dataclass(frozen=True)
class Wheel:
    """architecture: of the programs, in system.ARCHITECTURES. pythons: "3.11", …. glibc: the oldest that will do.

    release: the newest that was there. numpy: where NumPy comes from, "wheel" or "debian" (it has no 32-bit wheel).
    """

    runtime: str
    architecture: str
    pythons: tuple[str, ...]
    glibc: str
    release: str
    numpy: str = "wheel"

    def fits(self, architecture: str, glibc: str, python: str) -> bool:
        return self.architecture == architecture and python in self.pythons and version(self.glibc) <= version(glibc)


@dataclass(frozen=True)
class Verdict:
    """reason, nearest: why not, and what would do; "" where ok. wheel: the row that allows it."""

    ok: bool
    reason: str = ""
    nearest: str = ""
    wheel: Wheel | None = None


_NEW = ("3.11", "3.12", "3.13", "3.14")

WHEELS = (
    Wheel("onnxruntime", "aarch64", _NEW, "2.28", "1.32.0"),
    Wheel("onnxruntime", "aarch64", ("3.10",), "2.27", "1.23.2"),
    Wheel("onnxruntime", "aarch64", ("3.9",), "2.27", "1.19.2"),
    Wheel("litert", "aarch64", ("3.10", *_NEW), "2.34", "2.3.0"),
    Wheel("litert", "aarch64", ("3.9",), "2.30", "2.1.0"),
    Wheel("openvino", "aarch64", ("3.10", *_NEW), "2.35", "2026.4.1"),
    Wheel("openvino", "aarch64", ("3.9", "3.11"), "2.31", "2025.2.0"),
    Wheel("tflite-runtime", "aarch64", ("3.10", "3.11"), "2.34", "2.14.0"),
    Wheel("tflite-runtime", "aarch64", ("3.9",), "2.27", "2.13.0"),
    # tflite-runtime 2.13 has one for Python 3.9, but asks for NumPy 1.21, and bullseye's Debian has 1.19.
    Wheel("tflite-runtime", "armv7l", ("3.11",), "2.34", "2.14.0", numpy="debian"),
    Wheel("onnxruntime", "x86_64", _NEW, "2.28", "1.32.0"),
    Wheel("onnxruntime", "x86_64", ("3.10",), "2.27", "1.23.2"),
    Wheel("onnxruntime", "x86_64", ("3.9",), "2.27", "1.19.2"),
    Wheel("litert", "x86_64", ("3.10", *_NEW), "2.27", "2.3.0"),
    Wheel("litert", "x86_64", ("3.9",), "2.27", "2.1.0"),
    Wheel("openvino", "x86_64", ("3.10", *_NEW), "2.28", "2026.4.1"),
    Wheel("openvino", "x86_64", ("3.9",), "2.17", "2025.3.0"),
    Wheel("tflite-runtime", "x86_64", ("3.9", "3.10", "3.11"), "2.29", "2.14.0"),
)
"""By runtime and architecture, the newest release first."""


def runs(runtime: str, architecture: str, glibc: str, python: str) -> Verdict:
    """Whether a wheel of `runtime` runs there, and if not, why, and the nearest that does.

    glibc: "" for another libc. python: its first two numbers count. Raises ConfigError on an unknown runtime.
    """
    runtime_named(runtime)
    python = ".".join(python.split(".")[:2])
    wheel = _wheel(runtime, architecture, glibc, python)
    if wheel is not None:
        return Verdict(True, wheel=wheel)
    return Verdict(False, _reason(runtime, architecture, glibc, python), _nearest(runtime, architecture, glibc, python))


def runs_on(runtime: str, facts: BoardFacts) -> Verdict:
    """The same for a board that was probed."""
    return runs(runtime, architecture_of(facts), facts.libc, facts.python)


def runtimes_for(system: System) -> tuple[str, ...]:
    """Runtimes that have a wheel for it, in the order of RUNTIMES."""
    return _having_wheels(system.architecture, system.glibc, system.python)


def runtimes_of(facts: BoardFacts) -> tuple[str, ...]:
    """Runtimes that have a wheel for a board that was probed, in the order of RUNTIMES."""
    return _having_wheels(architecture_of(facts), facts.libc, ".".join(facts.python.split(".")[:2]))


def architecture_of(facts: BoardFacts) -> str:
    """What its Python is built for: a 64-bit kernel under a 32-bit system calls its machine aarch64 or armv8l."""
    if facts.bits == 32 and facts.machine in ("aarch64", "armv8l", "arm64"):
        return "armv7l"
    return {"arm64": "aarch64", "amd64": "x86_64"}.get(facts.machine, facts.machine)


def _wheel(runtime: str, architecture: str, glibc: str, python: str) -> Wheel | None:
    return next((row for row in WHEELS if row.runtime == runtime and row.fits(architecture, glibc, python)), None)


def _having_wheels(architecture: str, glibc: str, python: str) -> tuple[str, ...]:
    return tuple(name for name in RUNTIMES if _wheel(name, architecture, glibc, python))


def _reason(runtime: str, architecture: str, glibc: str, python: str) -> str:
    words = _WORDS.get(architecture, architecture)
    if not any(row.architecture == architecture for row in WHEELS):
        return f"no runtime has a wheel for {words}"
    rows = [row for row in WHEELS if (row.runtime, row.architecture) == (runtime, architecture)]
    if not rows:
        return f"{runtime} has no wheel for {words}"
    if not glibc:
        return f"{runtime} has wheels for glibc alone, and the libc here is another"
    pythons = sorted({each for row in rows for each in row.pythons}, key=version)
    if python not in pythons:
        told = pythons[0] if len(pythons) == 1 else f"{pythons[0]} to {pythons[-1]}"
        return f"{runtime} has wheels for Python {told} on {words}, and here is {python}"
    oldest = min((row.glibc for row in rows if python in row.pythons), key=version)
    return f"{runtime} needs glibc {oldest} with Python {python} on {words}, and here is {glibc}"


def _nearest(runtime: str, architecture: str, glibc: str, python: str) -> str:
    """What runs here instead, or a system of this architecture, or the smallest board that can."""
    others = _having_wheels(architecture, glibc, python)
    systems = [one for one in SYSTEMS.values() if one.architecture == architecture and runtime in runtimes_for(one)]
    found = [f"here: {', '.join(others)}"] if others else []
    if systems:
        found.append(f"{runtime} on {systems[0].name} (Python {systems[0].python}, glibc {systems[0].glibc})")
    else:
        found.append(_smallest_board(runtime))
    return "; ".join(found)


def _smallest_board(runtime: str) -> str:
    boards = [
        (min(profile.memory.sizes_mb), profile.title, system.name)
        for profile in PROFILES.values()
        for system in profile.systems
        if profile.memory.sizes_mb and runtime in runtimes_for(system)
    ]
    _, title, system = min(boards, key=lambda board: board[0])
    return f"{runtime} on a {title} with {system}"
