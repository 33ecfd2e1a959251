"""Say what this board is. Arguments: none. Answer: the board's own words, judged by the one who asked.

{"machine", "bits", "release": {…of /etc/os-release}, "libc", "python", "python_path", "multiarch", "home", "user",
"cores", "memory_bytes", "disk_free_bytes", "parts": [[implementer, part], …], "model_name", "model", "features",
"time", "throttled": bits or null}
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from typing import Any, Dict, List, Optional

VCGENCMD = ["vcgencmd", "get_throttled"]


def text_of(path: str) -> str:
    try:
        with open(path, errors="replace") as file:
            return file.read()
    except OSError:
        return ""


def release() -> Dict[str, str]:
    lines = (text_of("/etc/os-release") or text_of("/usr/lib/os-release")).splitlines()
    pairs = (line.split("=", 1) for line in lines if "=" in line and not line.startswith("#"))
    return {name.strip(): value.strip().strip("\"'") for name, value in pairs}


def glibc() -> str:
    """ "2.36", or "" where it is another libc."""
    try:
        name, _, version = (os.confstr("CS_GNU_LIBC_VERSION") or "").partition(" ")
    except (AttributeError, OSError, ValueError):
        return ""
    return version if name == "glibc" else ""


def user() -> str:
    try:
        import pwd

        return pwd.getpwuid(os.getuid()).pw_name
    except (ImportError, KeyError):
        return os.environ.get("USER", "")


def memory_bytes() -> int:
    found = re.search(r"^MemTotal:\s+(\d+) kB", text_of("/proc/meminfo"), re.MULTILINE)
    return int(found.group(1)) * 1024 if found else 0


def disk_free_bytes(home: str) -> int:
    """Of the nearest folder that is there."""
    while not os.path.isdir(home) and home != os.path.dirname(home):
        home = os.path.dirname(home)
    disk = os.statvfs(home)
    return disk.f_bavail * disk.f_frsize


def processor() -> Dict[str, Any]:
    fields: Dict[str, List[str]] = {}
    for line in text_of("/proc/cpuinfo").splitlines():
        name, _, value = line.partition(":")
        fields.setdefault(name.strip(), []).append(value.strip())
    parts = zip(fields.get("CPU implementer", []), fields.get("CPU part", []))  # noqa: B905 - strict= is of 3.10
    return {
        "parts": [list(part) for part in dict.fromkeys(parts)],
        "model_name": fields.get("model name", [""])[0],
        "features": (fields.get("Features") or fields.get("flags") or [""])[0].split(),
        "revision_model": fields.get("Model", [""])[0],
    }


def model() -> str:
    for path in ("/proc/device-tree/model", "/sys/firmware/devicetree/base/model"):
        found = text_of(path).replace("\0", "").strip()
        if found:
            return found
    return ""


def throttled() -> Optional[int]:
    """The firmware's bits, None where there is none to ask."""
    try:
        # Not our standard input: that is the connection.
        done = subprocess.run(
            VCGENCMD, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=10
        )
    except (OSError, subprocess.SubprocessError):
        return None
    found = re.search(rb"throttled=0x([0-9a-fA-F]+)", done.stdout)
    return int(found.group(1), 16) if found and done.returncode == 0 else None


def facts() -> Dict[str, Any]:
    home = os.path.expanduser("~")
    return {
        "machine": os.uname().machine,
        "bits": 64 if sys.maxsize > 2**32 else 32,
        "release": release(),
        "libc": glibc(),
        "python": ".".join(map(str, sys.version_info[:3])),
        "python_path": sys.executable,
        "multiarch": getattr(sys.implementation, "_multiarch", ""),
        "home": home,
        "user": user(),
        "cores": len(os.sched_getaffinity(0)),
        "memory_bytes": memory_bytes(),
        "disk_free_bytes": disk_free_bytes(home),
        "model": model(),
        "throttled": throttled(),
        "time": time.time(),
        **processor(),
    }


if __name__ == "__main__":
    sys.stdin.buffer.readline()
    print(json.dumps(facts()))
