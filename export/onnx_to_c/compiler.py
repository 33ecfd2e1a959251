"""Which C compiler there is for an architecture: zig's, which is one Python package for all of them, or a GCC."""

from __future__ import annotations

import importlib.util
import os
import platform
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from ...errors import ConfigError, RuntimeUnavailable, nearest

__all__ = ["ARCHITECTURES", "COMPILER_VARIABLE", "Compiler", "find_compiler"]

COMPILER_VARIABLE = "SEPIA_NATIVE_CC"
"""Environment variable with a command that compiles for the architecture asked for, instead of those found."""


@dataclass(frozen=True)
class _Architecture:
    """zig: options. gcc: options. programs: a GCC's names. packages: Debian's, in which it is."""

    zig: tuple[str, ...]
    gcc: tuple[str, ...]
    programs: tuple[str, ...]
    package: str


_ARM6 = ("-marm", "-march=armv6", "-mtune=arm1176jzf-s", "-mfpu=vfp")
_ALL = {
    "armv6l": _Architecture(
        ("-target", "arm-linux-musleabihf", "-mcpu=arm1176jzf_s"),
        # armel's GCC can pass floats in registers, too: nothing here calls a library's function.
        (*_ARM6, "-mfloat-abi=softfp"),
        ("arm-linux-gnueabi-gcc",),
        "gcc-arm-linux-gnueabi",
    ),
    "armv7l": _Architecture(
        ("-target", "arm-linux-musleabihf", "-mcpu=cortex_a7"),
        ("-marm", "-mcpu=cortex-a7", "-mfpu=neon-vfpv4", "-mfloat-abi=hard"),
        ("arm-linux-gnueabihf-gcc",),
        "gcc-arm-linux-gnueabihf",
    ),
    "aarch64": _Architecture(
        ("-target", "aarch64-linux-musl", "-mcpu=cortex_a53"),
        ("-mcpu=cortex-a53",),
        ("aarch64-linux-gnu-gcc",),
        "gcc-aarch64-linux-gnu",
    ),
    "x86_64": _Architecture(
        ("-target", "x86_64-linux-musl", "-mcpu=x86_64_v2"),
        ("-march=x86-64-v2", "-no-pie"),
        ("x86_64-linux-gnu-gcc", "gcc"),
        "gcc",
    ),
}

ARCHITECTURES: Mapping[str, str] = MappingProxyType({name: each.package for name, each in _ALL.items()})
"""As `uname -m` names them → Debian's package with a compiler for it."""

_DEADLINE_S = 60.0


@dataclass(frozen=True)
class Compiler:
    """command: with the options of the architecture. version: "zig 0.17.1", "gcc 12.2.0"; two builds by one version are
    equal bit for bit."""

    command: tuple[str, ...]
    version: str


def find_compiler(architecture: str) -> Compiler:
    """The one of SEPIA_NATIVE_CC, else zig's (package `ziglang`), else a GCC for this architecture.

    zig comes first: its version is pinned as any Python package is, so that a program is the same wherever it is built.
    Raises ConfigError for an unknown architecture, RuntimeUnavailable with what to install.
    """
    if architecture not in _ALL:
        raise ConfigError(
            "architecture", f"'{architecture}' is none that can be built for", accepted=nearest(architecture, _ALL)
        )
    wanted = _ALL[architecture]
    named = shlex.split(os.environ.get(COMPILER_VARIABLE, ""))
    if named:
        return Compiler((*named, *wanted.gcc), _version(named, "gcc"))
    if importlib.util.find_spec("ziglang") is not None:
        zig = [sys.executable, "-m", "ziglang"]
        return Compiler((*zig, "cc", *wanted.zig), _version([*zig, "version"], "zig"))
    for program in wanted.programs:
        found = shutil.which(program)
        if found is not None and (program != "gcc" or platform.machine() == architecture):
            return Compiler((found, *wanted.gcc), _version([found], "gcc"))
    raise RuntimeUnavailable(
        f"C compiler for {architecture}",
        "none found",
        hint=f"pip install 'sepia-edge[native]' (zig, for every architecture), or Debian's {wanted.package}",
    )


def _version(command: list[str], name: str) -> str:
    asked = command if name == "zig" else [*command, "-dumpfullversion", "-dumpversion"]
    try:
        ran = subprocess.run(asked, capture_output=True, text=True, timeout=_DEADLINE_S, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise RuntimeUnavailable(command[0], f"does not start ({error})", hint=f"see {COMPILER_VARIABLE}") from error
    found = re.search(r"\d+(?:\.\d+)+", ran.stdout)
    if ran.returncode or found is None:
        raise RuntimeUnavailable(command[0], "does not tell its version", hint=f"see {COMPILER_VARIABLE}")
    return f"{name} {found[0]}"
