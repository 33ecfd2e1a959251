from __future__ import annotations

from sepia.devices.emulator.board_files import board_files
from sepia.devices.profile import PROFILES

_PI4_CORE = """processor\t: {0}
BogoMIPS\t: 108.00
Features\t: fp asimd evtstrm crc32 cpuid
CPU implementer\t: 0x41
CPU architecture: 8
CPU variant\t: 0x0
CPU part\t: 0xd08
CPU revision\t: 3

"""


def _files(name: str, system: str | None = None) -> dict[str, str]:
    profile = PROFILES[name]
    return board_files(profile, profile.system(system), "/somewhere/home", 1234)


def test_cpuinfo_is_the_kernels_text() -> None:
    cores = "".join(_PI4_CORE.format(number) for number in range(4))
    assert _files("pi4")["proc/cpuinfo"] == f"{cores}Model\t\t: Raspberry Pi 4 Model B\n"


def test_an_armv6_kernel_says_7() -> None:
    text = _files("pizero")["proc/cpuinfo"]
    assert text.count("processor") == 1
    assert "CPU architecture: 7\n" in text
    assert "CPU part\t: 0xb76\n" in text


def test_a_generic_board_names_no_maker() -> None:
    assert "implementer" not in _files("aarch64")["proc/cpuinfo"]


def test_memory_is_the_largest_variants() -> None:
    assert _files("pi4")["proc/meminfo"].startswith("MemTotal:         8388608 kB\n")
    assert "proc/meminfo" not in _files("aarch64")


def test_processors_user_and_system() -> None:
    files = _files("pi4", "trixie64")
    assert files["sys/devices/system/cpu/present"] == "0-3\n"
    assert files["sys/devices/system/cpu/cpu3/cpufreq/cpuinfo_max_freq"] == "1500000\n"
    assert "sys/devices/system/cpu/cpu4/topology/core_id" not in files
    assert _files("pizero")["sys/devices/system/cpu/online"] == "0\n"
    assert files["etc/passwd"].startswith("pi:x:1234:1234::/somewhere/home:")
    assert 'VERSION_ID="13"\nVERSION_CODENAME=trixie\n' in files["etc/os-release"]


def test_the_identification_register_is_a_64_bit_kernels() -> None:
    place = "sys/devices/system/cpu/cpu3/regs/identification/midr_el1"
    assert _files("pi4")[place] == "0x00000000410fd083\n"
    assert place not in _files("pi4", "bookworm32")
