"""Which repository, alike in every command that needs the folder."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

__all__ = ["repository_option"]


def repository_option(told: str) -> Callable[[Any], Any]:
    """`--repository DIR`. told: its help."""
    return click.option(
        "--repository",
        type=click.Path(path_type=Path, file_okay=False),
        required=True,
        envvar="SEPIA_REPOSITORY",
        show_envvar=True,
        help=told,
    )
