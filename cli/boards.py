"""What commands for many boards share: the places, a row each, and the exit code."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from .output import result_only

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ..devices.at_each import Outcome
    from ..devices.place import Place
    from ..devices.transport import Transport

__all__ = ["at_each_place", "exit_if_failed", "places_option", "read_places", "row_of"]

Row = dict[str, Any]


def places_option(function: Any) -> Any:
    """`[PLACE]…` and `--all`, alike in every command."""
    function = click.option("--all", "everyone", is_flag=True, help="Every board that you have named.")(function)
    return click.argument("places", nargs=-1, metavar="[PLACE]...")(function)


def read_places(texts: Sequence[str], *, everyone: bool) -> tuple[Place, ...]:
    """Raises UsageError where there is none, and what `parse_place` raises."""
    from ..devices.inventory import Inventory
    from ..devices.place import parse_place

    names = list(dict.fromkeys([*texts, *(Inventory().boards() if everyone else ())]))
    if not names:
        hint = "sepia devices add NAME PROFILE@DESTINATION" if everyone else "name one, or say --all"
        raise click.UsageError(f"no board; {hint}")
    return tuple(parse_place(name) for name in names)


def at_each_place(
    places: Sequence[Place], action: Callable[[Place, Transport], Row], what: str = "boards"
) -> list[Row]:
    """A row a board, in their order: what `action` gave, or "failure" with its first cause."""
    from ..devices.at_each import at_each
    from .progress import showing

    with result_only(), showing() as progress:
        progress(what, 0, len(places))
        ended: list[str] = []

        def done(outcome: Outcome[Row]) -> None:
            ended.append(outcome.place.text)
            progress(what, len(ended), len(places))

        outcomes = at_each(places, action, done=done)
    return [row_of(outcome) for outcome in outcomes]


def row_of(outcome: Outcome[Row]) -> Row:
    found = {"failure": outcome.failure} if outcome.result is None else outcome.result
    return {"board": outcome.place.text, "seconds": round(outcome.seconds, 2), **found}


def exit_if_failed(rows: Sequence[Row]) -> None:
    if any(row.get("failure") for row in rows):
        raise click.exceptions.Exit(1)
