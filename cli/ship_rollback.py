"""`sepia ship rollback PLACE…`."""

from __future__ import annotations

import click

from .boards import at_each_place, exit_if_failed, places_option, read_places
from .output import json_option, print_result

__all__ = ["command"]


@click.command("rollback")
@places_option
@click.option("--model", help="[default: the only one that runs there]")
@click.option("--to", metavar="VERSION", help="One that the board has kept  [default: the one that ran before]")
@json_option
def command(places: tuple[str, ...], everyone: bool, model: str | None, to: str | None, as_json: bool) -> None:
    """Back to a version that the boards have kept. The one they leave is not taken again, until another is published.

    Needs no network but the way to the boards. Exit code 1 if one could not.
    """
    from ..ship.rollback import rollback
    from .ship_text import rollback_text

    rows = at_each_place(
        read_places(places, everyone=everyone), lambda _, transport: {"rolled_back": rollback(transport, model, to)}
    )
    print_result(rows, as_json=as_json, text=rollback_text(rows))
    exit_if_failed(rows)
