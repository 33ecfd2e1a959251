"""`sepia run [FILE]`."""

from __future__ import annotations

from pathlib import Path

import click

from .output import json_option, print_result, result_only

__all__ = ["command"]


@click.command("run")
@click.argument("file", type=click.Path(path_type=Path), default="sepia.toml")
@json_option
def command(file: Path, as_json: bool) -> None:
    """Do everything in FILE (default: sepia.toml): export, quantise, check, accuracy, bench, report.

    A step whose inputs have not changed is skipped. Stop it with Ctrl-C at any time: the next run goes on from there.
    """
    from ..pipeline import load_config
    from ..pipeline.run import run
    from .progress import showing

    with result_only(), showing() as progress:
        done = run(load_config(file), progress=progress, say=progress.say)
    print_result(done.to_json(), as_json=as_json, text=done.to_text())
