"""A static program of what `write_c` wrote, for one architecture."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from ...errors import InputError, RuntimeUnavailable
from ...files import replacing
from .compiler import ARCHITECTURES, Compiler, find_compiler
from .translate import SOURCE, WEIGHTS

__all__ = ["ARCHITECTURES", "build"]

_FLAGS = (
    "-std=gnu99", "-O3",
    # No C library, nothing that starts before `begin`, nothing that depends on the folder or the hour.
    "-ffreestanding", "-nostdlib", "-static", "-fno-pic", "-fno-stack-protector", "-fno-asynchronous-unwind-tables",
    "-fomit-frame-pointer", "-g0", "-s", "-Wl,--build-id=none",
    # Each product is rounded before it is added to: the same bits on every processor.
    "-ffp-contract=off",
)  # fmt: skip
_GCC_FLAGS = ("-fno-tree-loop-distribute-patterns", "-Wl,-z,noexecstack")
"""Without the first, GCC makes `memcpy` of the loop that `memcpy` is."""
_DEADLINE_S = 600.0


def build(folder: Path, architecture: str) -> Path:
    """`folder`/model.<architecture>, a program of `folder`/model.c and model.weights; the same bytes each time.

    architecture: "armv6l", "armv7l", "aarch64" or "x86_64". The program runs on any Linux of that architecture. Raises
    InputError without `write_c`'s files, RuntimeUnavailable without a compiler, or if it fails; OutputError.
    """
    compiler = find_compiler(architecture)
    for name in (SOURCE, WEIGHTS):
        if not (folder / name).is_file():
            raise InputError(str(folder / name), "is not there", hint="write_c makes it")
    program = folder / f"model.{architecture}"
    with tempfile.TemporaryDirectory(prefix="sepia-native-") as made, replacing(program) as partial:
        work = Path(made)
        for name in (SOURCE, WEIGHTS):
            shutil.copyfile(folder / name, work / name)
        _compile(compiler, work)
        shutil.copyfile(work / "program", partial)
        partial.chmod(0o755)
    return program


def _compile(compiler: Compiler, work: Path) -> None:
    gcc = () if compiler.version.startswith("zig") else _GCC_FLAGS
    command = [*compiler.command, *_FLAGS, *gcc, SOURCE, "-o", "program"]
    # zig keeps what it made by the text of the source alone: it must not find what an earlier build left.
    caches = {name: str(work / "cache") for name in ("ZIG_GLOBAL_CACHE_DIR", "ZIG_LOCAL_CACHE_DIR")}
    try:
        ran = subprocess.run(
            command, cwd=work, env={**os.environ, **caches, "LC_ALL": "C", "SOURCE_DATE_EPOCH": "0"},
            capture_output=True, text=True, errors="replace", timeout=_DEADLINE_S, check=False,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired) as error:
        raise RuntimeUnavailable(compiler.version, f"did not build the program ({error})") from error
    if ran.returncode:
        lines = [line for line in ran.stderr.splitlines() if "error" in line] or ran.stderr.strip().splitlines()
        raise RuntimeUnavailable(compiler.version, f"did not build the program ({(lines or ['no reason told'])[0]})")
