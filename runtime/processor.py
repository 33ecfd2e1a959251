"""The processor that figures are measured on: its name, and the instructions that int8 kernels depend on."""

from __future__ import annotations

import functools
import os
import platform
from dataclasses import dataclass, field
from pathlib import Path

__all__ = ["Processor", "parse", "processor"]

_X86 = ("x86_64", "amd64", "i386", "i486", "i586", "i686")
_VNNI = ("avx512_vnni", "avx_vnni", "avx512vnni", "avxvnni")

# "CPU implementer" and "CPU part" of /proc/cpuinfo on ARM, which names no model there. Arm Ltd. alone (0x41), from
# each core's technical reference manual, register MIDR.
_ARM_CORES = {
    0xB76: "ARM1176",
    0xC07: "Cortex-A7",
    0xC08: "Cortex-A8",
    0xC09: "Cortex-A9",
    0xC0F: "Cortex-A15",
    0xD03: "Cortex-A53",
    0xD04: "Cortex-A35",
    0xD05: "Cortex-A55",
    0xD07: "Cortex-A57",
    0xD08: "Cortex-A72",
    0xD09: "Cortex-A73",
    0xD0A: "Cortex-A75",
    0xD0B: "Cortex-A76",
    0xD0C: "Neoverse-N1",
    0xD0D: "Cortex-A77",
    0xD40: "Neoverse-V1",
    0xD41: "Cortex-A78",
    0xD49: "Neoverse-N2",
    0xD4F: "Neoverse-V2",
}


@dataclass(frozen=True)
class Processor:
    """model: its name ("Cortex-A76", or what x86 says of itself). board: a Raspberry Pi's own name, else "".

    architecture: as `uname -m`. cores: logical processors. features: the flags of /proc/cpuinfo, sorted.
    """

    model: str
    architecture: str
    cores: int
    features: tuple[str, ...] = field(default=(), repr=False)
    board: str = ""

    @property
    def x86(self) -> bool:
        return self.architecture.lower() in _X86

    @property
    def vnni(self) -> bool:
        """x86's 8-bit dot product with 32-bit sums (AVX512-VNNI or AVX-VNNI)."""
        return any(flag in self.features for flag in _VNNI)

    @property
    def avx2(self) -> bool:
        return "avx2" in self.features

    @property
    def avx512(self) -> bool:
        return "avx512f" in self.features

    @property
    def dotprod(self) -> bool:
        """ARM's SDOT and UDOT."""
        return "asimddp" in self.features

    @property
    def i8mm(self) -> bool:
        """ARM's SMMLA."""
        return "i8mm" in self.features

    @property
    def sums_in_16_bits(self) -> bool:
        """x86 without VNNI: u8·s8 products are added in pairs into 16 bits (VPMADDUBSW), which saturate in silence."""
        return self.x86 and not self.vnni


def parse(cpuinfo: str, architecture: str, cores: int | None = None) -> Processor:
    """Read the text of /proc/cpuinfo. cores: if not the number of its "processor" entries."""
    fields: dict[str, str] = {}
    count = 0
    for line in cpuinfo.splitlines():
        key, _, value = line.partition(":")
        key, value = key.strip(), value.strip()
        count += key == "processor"
        fields.setdefault(key, value)
    features = (fields.get("flags") or fields.get("Features") or "").split()
    return Processor(
        model=_model(fields, architecture),
        architecture=architecture,
        cores=cores or count or 1,
        features=tuple(sorted(set(features))),
        board=fields.get("Model", ""),
    )


def _model(fields: dict[str, str], architecture: str) -> str:
    # The core before "model name": 32-bit kernels put "ARMv7 Processor rev 3 (v7l)" there, which says nothing.
    if fields.get("CPU implementer") == "0x41":
        try:
            part = int(fields.get("CPU part", ""), 16)
        except ValueError:
            part = 0
        if part in _ARM_CORES:
            return _ARM_CORES[part]
    return fields.get("model name") or fields.get("Hardware") or architecture


@functools.cache
def processor() -> Processor:
    """The one that this program runs on. Where there is no /proc/cpuinfo: name and architecture alone."""
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        text = ""
    found = parse(text, platform.machine(), os.cpu_count())
    return found if text else Processor(platform.processor() or found.model, found.architecture, found.cores)
