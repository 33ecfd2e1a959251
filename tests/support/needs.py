"""What a test needs of the machine: without it the test is skipped with the reason; where CI is set, it fails."""

from __future__ import annotations

import os
import shutil
from typing import NoReturn

import pytest

__all__ = ["lacking", "need_programs", "need_root"]


def lacking(reason: str) -> NoReturn:
    """End the test: skipped, or failed where the environment variable CI is set."""
    if os.environ.get("CI"):
        pytest.fail(f"CI lacks what this test needs: {reason}")
    pytest.skip(reason)


def need_programs(**packages: str) -> None:
    """Each keyword is a program (_ for -) and the Debian package that has it."""
    for name, package in packages.items():
        program = name.replace("_", "-")
        if shutil.which(program) is None:
            lacking(f"{program} is not installed here (Debian: apt-get install {package})")


def need_root(what: str) -> None:
    """what: "a network namespace", for the reason."""
    if os.geteuid() != 0:
        lacking(f"{what} needs root")
