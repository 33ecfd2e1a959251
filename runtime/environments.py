"""Python environments of their own, for libraries that cannot live beside ours: made on first use, then kept."""

from __future__ import annotations

import fcntl
import functools
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from ..errors import RuntimeUnavailable

__all__ = ["cache_folder", "environment", "find_python"]

Version = tuple[int, int]

_SECONDS = 600.0


def cache_folder() -> Path:
    """SEPIA_CACHE where it is set, else the user's cache folder of the system."""
    if chosen := os.environ.get("SEPIA_CACHE"):
        return Path(chosen)
    from platformdirs import user_cache_path

    return user_cache_path("sepia")


def environment(name: str, requirements: Sequence[str], versions: Sequence[Version]) -> Path:
    """The interpreter of environment `name`, made now if it is not there.

    name: of the runtime that asks; with the versions in it, so that another version gets another folder. requirements:
    for pip, wheels only. versions: of Python that have wheels, preferred first. Several processes may ask at once: one
    makes it under a temporary name and renames it, the others wait. Raises RuntimeUnavailable.
    """
    version, python = find_python(name, versions)
    folder = cache_folder() / "environments" / f"{name}-cp{version[0]}{version[1]}"
    interpreter = folder / "bin" / "python"
    if interpreter.exists():
        return interpreter
    try:
        with _locked(folder):
            # Its own Python may have been removed: then the link is broken and the folder worth nothing.
            if not interpreter.exists():
                shutil.rmtree(folder, ignore_errors=True)
                _make(name, folder, python, requirements)
    except OSError as error:
        where = f"{folder}: {error.strerror or error}"
        raise RuntimeUnavailable(
            name, f"its environment cannot be made ({where})", hint="set SEPIA_CACHE to a folder that you may write to"
        ) from error
    return interpreter


def find_python(name: str, versions: Sequence[Version]) -> tuple[Version, str]:
    """The Python in use if it is one of `versions`, else the first of them on PATH that runs."""
    if sys.version_info[:2] in versions:
        return (sys.version_info[0], sys.version_info[1]), sys.executable
    for version in versions:
        found = shutil.which(f"python{version[0]}.{version[1]}")
        if found and _version_of(found) == version:
            return version, found
    wanted = ", ".join(f"{major}.{minor}" for major, minor in versions)
    raise RuntimeUnavailable(
        name,
        f"has no wheel for Python {sys.version_info[0]}.{sys.version_info[1]}, and none that would do is on PATH",
        accepted=f"Python {wanted}",
        hint=f"install python{versions[0][0]}.{versions[0][1]}, or leave this runtime out",
    )


@functools.cache
def _version_of(python: str) -> Version | None:
    """None if it does not run: version managers put names on PATH that only say that nothing is installed."""
    code = "import sys, venv; print(sys.version_info[0], sys.version_info[1])"
    try:
        done = subprocess.run([python, "-c", code], capture_output=True, text=True, timeout=60, check=True)
        major, minor = done.stdout.split()
    except (OSError, subprocess.SubprocessError, ValueError):
        return None
    return int(major), int(minor)


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    folder.parent.mkdir(parents=True, exist_ok=True)
    with (folder.parent / f".{folder.name}.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield  # the lock goes when the file is closed, or its process ends


def _make(name: str, folder: Path, python: str, requirements: Sequence[str]) -> None:
    with tempfile.TemporaryDirectory(prefix=f".{folder.name}-", dir=folder.parent) as temporary:
        made = Path(temporary) / "made"
        _tell(name, [python, "-m", "venv", "--without-pip", str(made)])
        install = ["install", "--quiet", "--disable-pip-version-check", "--no-input", "--only-binary=:all:"]
        _tell(name, [*_pip(made), *install, *requirements])
        made.rename(folder)


def _pip(made: Path) -> list[str]:
    """Our own pip, pointed at the new environment: Debian's Python may have none to give to it."""
    import importlib.util

    if importlib.util.find_spec("pip") is not None:
        return [sys.executable, "-m", "pip", "--python", str(made / "bin" / "python")]
    _tell("pip", [str(made / "bin" / "python"), "-m", "ensurepip", "--default-pip"])
    return [str(made / "bin" / "python"), "-m", "pip"]


def _tell(name: str, command: list[str]) -> None:
    """Run a step of the making. Its last line of error is the reason."""
    # A caller's own PYTHONPATH would put his packages under those of the new environment.
    clean = {key: value for key, value in os.environ.items() if key not in ("PYTHONPATH", "PYTHONHOME")}
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_SECONDS, env=clean, check=False)
    except subprocess.TimeoutExpired as error:
        raise RuntimeUnavailable(name, f"making its environment took over {_SECONDS:.0f} s") from error
    if done.returncode == 0:
        return
    lines = [line.strip() for line in (done.stderr or done.stdout).splitlines() if line.strip()]
    reason = next(
        (line for line in reversed(lines) if line.startswith("ERROR")), lines[-1] if lines else "no reason given"
    )
    raise RuntimeUnavailable(
        name,
        f"its environment cannot be made ({reason.removeprefix('ERROR: ')})",
        hint="check the network and pip's index, or leave this runtime out",
    )
