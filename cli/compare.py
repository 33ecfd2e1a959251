"""`sepia compare OLD NEW [--budget FILE]`."""

from __future__ import annotations

from pathlib import Path

import click

from .output import json_option

__all__ = ["command"]


@click.command("compare")
@click.argument("old", type=click.Path(path_type=Path))
@click.argument("new", type=click.Path(path_type=Path))
@click.option("--budget", type=click.Path(path_type=Path), help="TOML file of limits; exit code 1 where one is broken.")
@json_option
def command(old: Path, new: Path, budget: Path | None, as_json: bool) -> None:
    """Compare two results.json row by row."""
    raise NotImplementedError
