"""The counting plugin, built from `count.c` by the host's own C compiler on first use."""

from __future__ import annotations

import hashlib
import os
import shlex
import shutil
import subprocess
from pathlib import Path

from ...errors import RuntimeUnavailable
from ...files import replacing
from .qemu import Qemu

__all__ = ["SOURCES", "build"]

_FOLDER = Path(__file__).resolve().parent
SOURCES = tuple(_FOLDER / name for name in ("count.c", "kind_a64.c", "kind_arm.c", "kind.h"))

_FLAGS = ("-std=gnu11", "-O3", "-shared", "-fPIC", "-fvisibility=hidden")
_COMPILERS = ("cc", "gcc", "clang")
_DEADLINE_S = 120.0


def build(qemu: Qemu, cache: Path) -> Path:
    """The plugin for `qemu`, in `cache` under the digest of what it was made of: built once.

    Raises RuntimeUnavailable: a QEMU without plugins, no C compiler, or one that fails.
    """
    if qemu.plugin_api is None:
        raise RuntimeUnavailable(
            str(qemu.path),
            f"QEMU {qemu.version} was built without plugins, so instructions can't be counted",
            hint="Debian 12's qemu-user loads them, Debian 13's does not; put another's folder into SEPIA_QEMU",
        )
    command = [*_compiler(), *_FLAGS, f"-DAPI={qemu.plugin_api}"]
    made_of = hashlib.sha256(repr(command).encode())
    for source in SOURCES:
        made_of.update(source.read_bytes())
    plugin = cache / f"count-{made_of.hexdigest()[:12]}.so"
    if not plugin.is_file():
        with replacing(plugin) as partial:
            _compile([*command, "-o", str(partial), *(str(one) for one in SOURCES if one.suffix == ".c")])
    return plugin.absolute()


def _compiler() -> list[str]:
    named = shlex.split(os.environ.get("CC", ""))
    for command in (named, *([name] for name in _COMPILERS)):
        if command and (found := shutil.which(command[0])):
            return [found, *command[1:]]
    raise RuntimeUnavailable(
        "C compiler",
        "none found, so instructions can't be counted",
        hint="install one (Debian, Ubuntu: sudo apt install gcc libc6-dev), or name it in CC",
    )


def _compile(command: list[str]) -> None:
    try:
        ran = subprocess.run(
            command, capture_output=True, text=True, errors="replace", timeout=_DEADLINE_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise RuntimeUnavailable(command[0], f"did not build the counting plugin ({error})") from error
    if ran.returncode:
        errors = [line for line in ran.stderr.splitlines() if "error:" in line or "cannot find" in line]
        why = (errors or ran.stderr.strip().splitlines() or ["it did not say why"])[0]
        hint = "install the C library's headers, too (Debian, Ubuntu: sudo apt install libc6-dev)"
        raise RuntimeUnavailable(command[0], f"did not build the counting plugin ({why})", hint=hint)
