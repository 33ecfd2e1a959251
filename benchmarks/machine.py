"""What a table's figures were measured on."""

from __future__ import annotations

import os
import platform
from pathlib import Path

__all__ = ["describe", "flags_of", "model_of"]


def model_of(cpuinfo: str) -> str:
    """The processor's name in the text of /proc/cpuinfo; on ARM, where there is none, the machine's architecture."""
    for line in cpuinfo.splitlines():
        key, _, value = line.partition(":")
        if key.strip() in ("model name", "Model"):
            return value.strip()
    return platform.machine()


def flags_of(cpuinfo: str) -> set[str]:
    """The processor's flags ("flags" on x86, "Features" on ARM)."""
    for line in cpuinfo.splitlines():
        key, _, value = line.partition(":")
        if key.strip() in ("flags", "Features"):
            return set(value.split())
    return set()


def describe() -> dict[str, str]:
    """Processor, its integer dot product, cores, memory, system, Python, load averages: one line of text each."""
    cpuinfo = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    flags = flags_of(cpuinfo)
    dots = sorted(flags & {"avx512_vnni", "avx_vnni", "asimddp", "i8mm"})
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return {
        "processor": model_of(cpuinfo),
        "integer dot product": ", ".join(dots) or "none (x86 without VNNI: ONNX Runtime and OpenVINO can saturate)",
        "cores": str(os.cpu_count()),
        "memory": f"{memory:.0f} GiB",
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "python": platform.python_version(),
        "load average": " ".join(f"{load:.2f}" for load in os.getloadavg()),
    }
