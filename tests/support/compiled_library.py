"""The compiled form of a board's Python library, which Debian's script makes when the package is installed.

Without it each start of Python there compiles what it imports, which on an emulated core takes seconds.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path

from platformdirs import user_cache_path

from support.arm_root import arm_root

__all__ = ["compile_library", "compiled_library"]

_VERSION = (3, 11)
"""Of Debian 12's Python; another one's compiled form is another."""


@cache
def compiled_library(architecture: str) -> tuple[Path, ...]:
    """A folder to lay over or under `arm_root(architecture)`, with nothing but what is compiled; shared.

    None where the Python that runs here is of another version, and cannot make it.
    """
    if sys.version_info[:2] != _VERSION:
        return ()
    root = arm_root(architecture)
    layer = user_cache_path("sepia") / "debian" / "compiled" / root.name
    if not layer.is_dir():
        layer.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=layer.parent) as made:
            _compile(root / "usr/lib/python3.11", Path(made) / "layer/usr/lib/python3.11", root)
            (Path(made) / "layer").chmod(0o755)
            try:
                (Path(made) / "layer").rename(layer)
            except OSError:  # another process was quicker
                assert layer.is_dir()
    return (layer,)


def compile_library(folder: Path, prefix: str = "") -> None:
    """Compile what lies in `folder`, if the Python here is of the board's version. prefix: its name there."""
    if sys.version_info[:2] == _VERSION:
        command = [sys.executable, "-m", "compileall", "-q", "--invalidation-mode", "unchecked-hash"]
        # What cannot be compiled is of tests of the compiler.
        subprocess.run([*command, "-s", str(folder), "-p", prefix, str(folder)], check=False)


def _compile(library: Path, into: Path, root: Path) -> None:
    shutil.copytree(library, into, symlinks=True)
    compile_library(into, f"/{library.relative_to(root)}")
    for path in into.rglob("*"):
        if not path.is_dir() and path.suffix != ".pyc":
            path.unlink()
