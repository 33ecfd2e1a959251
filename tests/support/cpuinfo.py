"""What /proc/cpuinfo reads on some machines, cut to one core and to the flags that matter, and what it should tell."""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["MACHINES", "Machine"]


class Machine(NamedTuple):
    architecture: str
    text: str
    model: str
    board: str
    cores: int
    vnni: bool
    dotprod: bool
    sums_in_16_bits: bool


def _x86(name: str, flags: str, cores: int = 2) -> str:
    core = "processor\t: {}\nvendor_id\t: GenuineIntel\nmodel name\t: {}\nflags\t\t: fpu sse2 {}\nbugs\t\t: mds\n\n"
    return "".join(core.format(number, name, flags) for number in range(cores))


def _arm(part: str, features: str, tail: str = "", cores: int = 4, name: str = "") -> str:
    named = f"model name\t: {name}\n" if name else ""
    core = "processor\t: {}\n{}BogoMIPS\t: 108.00\nFeatures\t: {}\nCPU implementer\t: 0x41\nCPU part\t: {}\n\n"
    return "".join(core.format(number, named, features, part) for number in range(cores)) + tail


_XEON = "Intel(R) Xeon(R) Processor @ 2.80GHz"
_HASWELL = "Intel(R) Core(TM) i7-4770 CPU @ 3.40GHz"
_SKYLAKE = "Intel(R) Xeon(R) Gold 6148 CPU @ 2.40GHz"
_ALDER = "12th Gen Intel(R) Core(TM) i5-12400"
_PI4 = "Raspberry Pi 4 Model B Rev 1.4"
_PI5 = "Raspberry Pi 5 Model B Rev 1.0"
_ZERO = "Raspberry Pi Zero W Rev 1.1"
_BASE = "fp asimd evtstrm crc32 cpuid"

MACHINES = {
    "xeon with vnni": Machine(
        "x86_64", _x86(_XEON, "avx2 avx512f avx512_vnni"), _XEON, "", 2, True, False, False
    ),
    "avx2 alone": Machine("x86_64", _x86(_HASWELL, "avx2 fma", 8), _HASWELL, "", 8, False, False, True),
    "avx512 without vnni": Machine("x86_64", _x86(_SKYLAKE, "avx2 avx512f"), _SKYLAKE, "", 2, False, False, True),
    "avx vnni alone": Machine("x86_64", _x86(_ALDER, "avx2 avx_vnni"), _ALDER, "", 2, True, False, False),
    "pi 4": Machine(
        "aarch64", _arm("0xd08", _BASE, f"Revision\t: c03114\nModel\t\t: {_PI4}\n"), "Cortex-A72", _PI4, 4,
        False, False, False,
    ),
    "pi 5": Machine(
        "aarch64", _arm("0xd0b", f"{_BASE} asimdhp asimddp", f"Model\t\t: {_PI5}\n"), "Cortex-A76", _PI5, 4,
        False, True, False,
    ),
    "pi 4, 32 bits": Machine(
        "armv7l", _arm("0xd08", "half thumb neon vfpv4", f"Model\t\t: {_PI4}\n", name="ARMv7 Processor rev 3 (v7l)"),
        "Cortex-A72", _PI4, 4, False, False, False,
    ),
    "pi zero": Machine(
        "armv6l", _arm("0xb76", "half thumb vfp", f"Hardware\t: BCM2835\nModel\t\t: {_ZERO}\n", 1), "ARM1176", _ZERO, 1,
        False, False, False,
    ),
    "an unknown arm core": Machine(
        "aarch64", _arm("0xfff", _BASE, "Hardware\t: Some SoC\n"), "Some SoC", "", 4, False, False, False
    ),
    "nothing told": Machine("riscv64", "", "riscv64", "", 1, False, False, False),
}  # fmt: skip
