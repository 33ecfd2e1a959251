"""What a board's kernel and system say of themselves, written from its profile.

qemu-user hands the host's /proc and /sys through, where a runtime looks for its processor: ONNX Runtime and LiteRT end
in a segmentation fault on an x86 machine's /proc/cpuinfo. A file of the same name under qemu's `-L` is read instead.
"""

from __future__ import annotations

from ..profile import Profile
from ..system import System

__all__ = ["board_files"]

_RELEASES = {"bullseye": "11", "bookworm": "12", "trixie": "13"}


def board_files(profile: Profile, system: System, home: str, uid: int) -> dict[str, str]:
    """Path under the root → text. home: of the user, who is called pi and has the number `uid` on the host."""
    return {
        "etc/group": f"root:x:0:\npi:x:{uid}:\n",
        "etc/os-release": _os_release(system.suite),
        "etc/passwd": f"pi:x:{uid}:{uid}::{home}:/bin/sh\nroot:x:0:0::/root:/bin/sh\n",
        "proc/cpuinfo": cpuinfo(profile, system),
        "proc/device-tree/model": f"{_model(profile)}\0",
        **_memory(profile),
        **_processors(profile),
        **(_identification(profile) if system.architecture == "aarch64" else {}),
    }


def cpuinfo(profile: Profile, system: System) -> str:
    """Text of /proc/cpuinfo as an ARM kernel prints it: a paragraph a core."""
    generation = 7 if system.architecture in ("armv6l", "armv7l") and profile.midr is None else 8
    lines = [f"Features\t: {' '.join(profile.features.get(system.architecture, ()))}"]
    if profile.midr is not None:
        midr = profile.midr
        generation = 7 if midr.part < 0xD00 else 8  # what ARMv6 kernels say of an ARM1176, too
        lines += [
            f"CPU implementer\t: {midr.implementer:#04x}",
            f"CPU architecture: {generation}",
            f"CPU variant\t: {midr.variant:#x}",
            f"CPU part\t: {midr.part:#05x}",
            f"CPU revision\t: {midr.revision}",
        ]
    else:
        lines.append(f"CPU architecture: {generation}")
    cores = (
        f"processor\t: {number}\nBogoMIPS\t: 108.00\n" + "\n".join(lines) + "\n" for number in range(profile.cores)
    )
    return "\n".join(cores) + f"\nModel\t\t: {_model(profile)}\n"


def _model(profile: Profile) -> str:
    return profile.models[0] if profile.models else profile.title


def _os_release(suite: str) -> str:
    version = _RELEASES.get(suite, "")
    return f'PRETTY_NAME="Debian GNU/Linux {suite}"\nID=debian\nVERSION_ID="{version}"\nVERSION_CODENAME={suite}\n'


def _memory(profile: Profile) -> dict[str, str]:
    """Of the largest variant; all of it free. Nothing where the profile does not know: then it is the host's."""
    if not profile.memory.sizes_mb:
        return {}
    kib = max(profile.memory.sizes_mb) * 1024
    named = {"MemTotal": kib, "MemFree": kib, "MemAvailable": kib, "SwapTotal": 0, "SwapFree": 0}
    return {"proc/meminfo": "".join(f"{name}:{value:>16} kB\n" for name, value in named.items())}


def _identification(profile: Profile) -> dict[str, str]:
    """The register itself, as 64-bit kernels show it: OpenVINO's oneDNN chooses by it."""
    if profile.midr is None:
        return {}
    midr = profile.midr
    value = midr.implementer << 24 | midr.variant << 20 | 0xF << 16 | midr.part << 4 | midr.revision
    place = "regs/identification/midr_el1"
    return {f"sys/devices/system/cpu/cpu{number}/{place}": f"{value:#018x}\n" for number in range(profile.cores)}


def _processors(profile: Profile) -> dict[str, str]:
    """/sys of one cluster of like cores, as cpuinfo (the library of XNNPACK and ONNX Runtime) reads it."""
    every = f"0-{profile.cores - 1}" if profile.cores > 1 else "0"
    folder = "sys/devices/system/cpu"
    found = {f"{folder}/{name}": every for name in ("possible", "present", "online")}
    for number in range(profile.cores):
        core = f"{folder}/cpu{number}"
        found |= {
            f"{core}/topology/physical_package_id": "0",
            f"{core}/topology/core_id": str(number),
            f"{core}/topology/core_siblings_list": every,
            f"{core}/topology/package_cpus_list": every,
            f"{core}/topology/thread_siblings_list": str(number),
            f"{core}/topology/core_cpus_list": str(number),
        }
        if profile.clock_mhz is not None:
            found |= {f"{core}/cpufreq/cpuinfo_{end}_freq": f"{profile.clock_mhz}000" for end in ("min", "max")}
    return {name: f"{text}\n" for name, text in found.items()}
