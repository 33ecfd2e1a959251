"""The file system of an emulated board: Debian's ARM packages, shared, and beside them what makes them this board.

<cache>/debian/roots/arm64-bookworm-<digest>/      packages, unpacked
<cache>/emulator/boards/pi4-bookworm64/root-…/     for `qemu -L`: links into those, and the board's own files
<cache>/emulator/boards/pi4-bookworm64/home/       the board's disk, as far as one can write to it
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ...runtime.environments import cache_folder
from .. import debian
from ..profile import Profile
from ..system import System
from .board_files import board_files

__all__ = ["PACKAGES", "EmulatedRoot", "default_cache", "make_root"]

PACKAGES = ("libatomic1", "libgomp1", "libpython3-stdlib", "libstdc++6", "python3-minimal")
"""A Python and what the runtimes' wheels need of a system; no shell: nothing there can start another program."""


@dataclass(frozen=True)
class EmulatedRoot:
    """root: for `qemu -L`. home: of the board's user, on the host too. packages: the shared root behind `root`."""

    root: Path
    home: Path
    packages: Path

    @property
    def temporary(self) -> Path:
        """The board's TMPDIR."""
        return self.home.with_name("tmp")


def default_cache() -> Path:
    """The user's own folder for what can be made again (~/.cache/sepia), or the one of SEPIA_CACHE."""
    return cache_folder()


def make_root(profile: Profile, system: System, cache: Path, *, refresh: bool = False) -> EmulatedRoot:
    """Make what is missing, a download the first time. Raises BoardError: see `debian.make_root`, and a full disk."""
    packages = debian.make_root(system.debian, system.suite, PACKAGES, cache / "debian", refresh=refresh)
    board = (cache / "emulator" / "boards" / f"{profile.name}-{system.name}").absolute()
    home = board / "home"
    for folder in (home, board / "tmp"):
        folder.mkdir(parents=True, exist_ok=True)
    files = board_files(profile, system, str(home), os.getuid())
    key = hashlib.sha256(json.dumps([packages.name, files], sort_keys=True).encode()).hexdigest()[:12]
    root = board / f"root-{key}"
    if not root.is_dir():
        _write(root, packages.absolute(), files)
    return EmulatedRoot(root, home, packages)


def _write(root: Path, packages: Path, files: Mapping[str, str]) -> None:
    partial = root.with_name(f".partial-{secrets.token_hex(6)}")
    try:
        for name, text in files.items():
            path = partial / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        _link(partial, packages)
        if not root.is_dir():
            _renamed(partial, root)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _link(folder: Path, packages: Path) -> None:
    """What `packages` has and `folder` has not, as links; folders that both have are gone into."""
    for there in packages.iterdir():
        here = folder / there.name
        if not here.exists():
            here.symlink_to(there)
        elif here.is_dir() and there.is_dir():
            _link(here, there)


def _renamed(partial: Path, root: Path) -> None:
    try:
        partial.replace(root)
    except OSError:
        if not root.is_dir():  # another process was quicker: its folder is the same
            raise
