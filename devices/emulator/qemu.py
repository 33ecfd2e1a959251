"""The host's qemu-user: which program, its version, and whether it loads plugins."""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from ...errors import RuntimeUnavailable

__all__ = ["QEMU_VARIABLE", "Qemu", "find"]

QEMU_VARIABLE = "SEPIA_QEMU"
"""Environment variable with a folder that holds qemu-aarch64 and qemu-arm, instead of those on PATH."""

_INSTALL = "install qemu-user (Debian, Ubuntu: sudo apt install qemu-user; Fedora: sudo dnf install qemu-user)"
_DEADLINE_S = 20.0


@dataclass(frozen=True)
class Qemu:
    """path: absolute. version: "7.2.22". plugin_api: what a plugin is built for, 1 or 2; None where none is loaded."""

    path: Path
    version: str
    plugin_api: int | None


def find(architecture: str) -> Qemu:
    """qemu-user for a machine as `uname -m` names it: "aarch64", "armv7l", "armv6l".

    One that loads plugins is preferred: a distribution's static one may not. Raises RuntimeUnavailable with what to
    install.
    """
    word = "aarch64" if architecture == "aarch64" else "arm"
    where = f"qemu-{word}"
    if platform.system() != "Linux":
        raise RuntimeUnavailable(where, "emulated cores need Linux", hint="use a Linux machine or container")
    found = [_asked(path) for name in (where, f"{where}-static") if (path := _program(name)) is not None]
    usable = [qemu for qemu in found if qemu is not None]
    if not usable:
        broken = f" in {os.environ[QEMU_VARIABLE]} ({QEMU_VARIABLE})" if os.environ.get(QEMU_VARIABLE) else ""
        raise RuntimeUnavailable(where, f"not found, or does not start{broken}", hint=_INSTALL)
    return max(usable, key=lambda qemu: qemu.plugin_api is not None)


def _program(name: str) -> Path | None:
    found = shutil.which(name, path=os.environ.get(QEMU_VARIABLE) or None)
    return Path(found).absolute() if found else None


def _asked(path: Path) -> Qemu | None:
    version = re.search(r"version (\d+(?:\.\d+)+)", _told(path, "--version"))
    if version is None:
        return None
    loads = "-plugin" in _told(path, "-h")
    # Version 2 of the interface came with QEMU 9.0, which refuses 1.
    api = (2 if int(version[1].partition(".")[0]) >= 9 else 1) if loads else None
    return Qemu(path, version[1], api)


def _told(path: Path, option: str) -> str:
    try:
        ran = subprocess.run(
            [str(path), option], capture_output=True, text=True, errors="replace", timeout=_DEADLINE_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return ran.stdout
