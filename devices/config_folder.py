"""The user's own folder for Sepia: the inventory of boards and profiles of boards that we do not know."""

from __future__ import annotations

import os
from pathlib import Path

import platformdirs

__all__ = ["CONFIG_VARIABLE", "config_folder"]

CONFIG_VARIABLE = "SEPIA_CONFIG"
"""Environment variable that names the folder instead."""


def config_folder() -> Path:
    """`$SEPIA_CONFIG`, else the system's place for it (~/.config/sepia on Linux). It need not be there yet."""
    named = os.environ.get(CONFIG_VARIABLE)
    return Path(named).expanduser() if named else platformdirs.user_config_path("sepia")
