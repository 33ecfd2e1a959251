"""What a Raspberry Pi 4 says of itself in /proc and /sys, read by `bench.py` from memory."""

from __future__ import annotations

from fnmatch import fnmatch
from pathlib import PurePosixPath

import pytest
from sepia.runtime import bench

__all__ = ["POLICY", "THROTTLED", "as_a_pi"]

THROTTLED = "/sys/devices/platform/soc/soc:firmware/get_throttled"

POLICY = "/sys/devices/system/cpu/cpufreq/policy0"
_PI = {
    f"{POLICY}/affected_cpus": "0 1 2 3",
    f"{POLICY}/scaling_governor": "ondemand",
    f"{POLICY}/scaling_cur_freq": "1800000",
    f"{POLICY}/scaling_min_freq": "600000",
    f"{POLICY}/scaling_max_freq": "1800000",
    "/sys/class/thermal/thermal_zone0/temp": "48199",
    "/sys/class/thermal/thermal_zone0/type": "cpu-thermal",
    "/proc/meminfo": "MemTotal: 1000 kB\nMemAvailable: 600 kB\nSwapTotal: 100 kB\nSwapFree: 30 kB\nHugePages_Total: 0",
    "/proc/vmstat": "nr_free_pages 100\npswpin 1000\npswpout 2000",
    "/proc/stat": "cpu 0 0 0 0 0 0 0 0 0 0\ncpu0 100 0 50 900 7 0 0 10 0 0\ncpu1 100 0 50 900 7 0 0 10 0 0",
    "/proc/device-tree/model": "Raspberry Pi 4 Model B Rev 1.4\0",
}


def as_a_pi(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Path → text; a test changes it as it likes. It has two cores that may be used, and no vcgencmd."""
    files = dict(_PI)

    def matching(pattern: str) -> list[str]:
        known = {str(path) for file in files for path in (PurePosixPath(file), *PurePosixPath(file).parents)}
        return sorted(path for path in known if fnmatch(path, pattern) and path.count("/") == pattern.count("/"))

    monkeypatch.setattr(bench, "read", files.get)
    monkeypatch.setattr(bench.glob, "glob", matching)
    monkeypatch.setattr(bench.shutil, "which", lambda name: None)
    monkeypatch.setattr(bench.platform, "machine", lambda: "aarch64")
    monkeypatch.setattr(bench, "usable", lambda: {0, 1})
    return files
