"""`sepia ship rehearse FOLDER [--on PLACE]…`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from .output import json_option, print_result, result_only

if TYPE_CHECKING:
    from ..ship.rehearsal import Rehearsed, Step

__all__ = ["command"]


@click.command("rehearse")
@click.argument("directory", type=click.Path(path_type=Path))
@click.option(
    "--on",
    "places",
    multiple=True,
    metavar="PLACE",
    help="A board; may be repeated  [default: pi4@emulator and pizero@emulator]",
)
@json_option
def command(directory: Path, places: tuple[str, ...], as_json: bool) -> None:
    """The whole story of the int8 network in DIRECTORY, told as it happens, with keys that are thrown away.

    Bundle, publish, boards that take it, test it and switch; then a version with spoilt weights, which must fail there,
    and the boards go on with the one before. What boards follow otherwise is not touched. Exit code 1 if one did
    otherwise.
    """
    from ..ship.rehearsal import PLACES, rehearse

    def say(step: Step) -> None:
        click.echo(str(step), err=as_json)

    if as_json:
        with result_only():
            done = rehearse(directory, places or PLACES, say=say)
    else:
        done = rehearse(directory, places or PLACES, say=say)
    print_result(done.to_json(), as_json=as_json, text=_last(done))
    if not done.ok:
        raise click.exceptions.Exit(1)


def _last(done: Rehearsed) -> str:
    good = sum(board.ok for board in done.boards)
    return (
        f"{good} of {len(done.boards)} boards took the good version, refused the worse one and go on: {done.seconds} s"
    )
