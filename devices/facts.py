"""What a board says of itself: the answer of a probe."""

from __future__ import annotations

from dataclasses import dataclass, field

__all__ = ["BoardFacts"]


@dataclass(frozen=True)
class BoardFacts:
    """One board at one moment.

    machine: as `uname -m` ("aarch64", "armv7l", "armv6l", "x86_64"). bits: of its Python, 32 or 64. system: codename of
    the distribution and bits ("bookworm64"). libc: glibc's version ("2.36"), "" where it is another libc. python:
    "3.11.2". python_path: of its interpreter. core: the processor core ("Cortex-A72"), "" unknown. model: the
    device tree's ("Raspberry Pi 4 Model B Rev 1.4"), "" where there is none. features: flags of /proc/cpuinfo. cores:
    usable by this user. memory_bytes, disk_free_bytes (of home). home: absolute. clock_skew_s: the board's clock less
    ours, in s. debian_architecture: "arm64", "armhf", "armel", "" unknown.
    """

    machine: str
    bits: int
    system: str
    libc: str
    python: str
    python_path: str
    home: str
    user: str
    cores: int
    memory_bytes: int
    disk_free_bytes: int
    core: str = ""
    model: str = ""
    debian_architecture: str = ""
    features: tuple[str, ...] = field(default=(), repr=False)
    clock_skew_s: float = 0.0
    throttled: tuple[str, ...] | None = None
    """Causes the firmware names just now; None where it does not tell."""
