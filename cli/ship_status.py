"""`sepia ship status PLACE…`."""

from __future__ import annotations

import click

from .boards import at_each_place, exit_if_failed, places_option, read_places
from .output import json_option, print_result

__all__ = ["command"]


@click.command("status")
@places_option
@json_option
def command(places: tuple[str, ...], everyone: bool, as_json: bool) -> None:
    """What runs on each board, since when, and why the last version that was offered does not. Changes nothing there.

    Boards are asked over SSH, those that only pull, too. Exit code 1 if one did not answer.
    """
    from ..ship.status import status
    from .ship_text import status_text

    rows = at_each_place(read_places(places, everyone=everyone), lambda _, transport: {"status": status(transport)})
    print_result(rows, as_json=as_json, text=status_text(rows))
    exit_if_failed(rows)
