"""`sepia ship push [BUNDLE] --repository REPO PLACE…`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ..ship.waves import DEFAULT
from .boards import places_option, read_places, row_of
from .output import json_option, print_result, result_only
from .ship_repository_option import repository_option

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ..devices.at_each import Outcome
    from ..devices.place import Place
    from ..devices.transport import Transport

__all__ = ["command"]

Row = dict[str, Any]


@click.command("push")
@places_option
@repository_option("The folder that `sepia ship publish` fills.")
@click.option("--model", help="This one alone  [default: all that a board follows]")
@click.option("--channel", help="Boards that follow this channel alone.")
@click.option(
    "--wave",
    default=DEFAULT,
    show_default=True,
    metavar="LIST",
    help="How many boards have been served after each wave; the first with a bad board is the last.",
)
@click.option("--again", is_flag=True, help="Try once more what a board refused, or was rolled back from.")
@json_option
def command(
    places: tuple[str, ...],
    everyone: bool,
    repository: Path,
    model: str | None,
    channel: str | None,
    wave: str,
    again: bool,
    as_json: bool,
) -> None:
    """Bring what is published to boards over SSH: what each follows, or the one file BUNDLE.sepia, named first.

    A board gets the signed metadata and a bundle, or a delta from what it runs; it verifies, tests and switches as if
    it had pulled. Exit code 1 if a board was bad, or left out as another was.
    """
    from ..ship.parts import RepositoryFolder
    from ..ship.push import Chosen, push
    from ..ship.waves import in_waves, waves
    from .ship_text import pushed_text

    bundle, texts = _bundle(places)
    chosen = read_places(texts, everyone=everyone)
    what = Chosen(model, channel, bundle)
    folder, sizes = RepositoryFolder(repository), waves(wave, len(chosen))
    folder.metadata(())  # what is wrong with it is told once, before any board is asked

    def put(place: Place, transport: Transport) -> Row:
        return {"pushed": push(transport, folder, what, again=again).to_json()}

    rolled = in_waves(chosen, sizes, _Wave(put, len(chosen)), _is_bad)
    left = [{"board": place.text, "left": True} for place in rolled.left]
    rows = [*({**row, "wave": number} for number, wave in enumerate(rolled.waves, 1) for row in wave), *left]
    print_result(rows, as_json=as_json, text=pushed_text(rows))
    if left or any(map(_is_bad, rolled.ended)):
        raise click.exceptions.Exit(1)


class _Wave:
    """`at_each` on one wave's boards; progress counts the boards of all waves."""

    def __init__(self, action: Callable[[Place, Transport], Row], total: int) -> None:
        self._action, self._total = action, total
        self._ended = 0

    def __call__(self, places: Sequence[Place]) -> list[Row]:
        from ..devices.at_each import at_each
        from .progress import showing

        with result_only(), showing() as progress:

            def done(_: Outcome[Row]) -> None:
                self._ended += 1
                progress("boards", self._ended, self._total)

            progress("boards", self._ended, self._total)
            return [row_of(outcome) for outcome in at_each(places, self._action, done=done)]


def _is_bad(row: Row) -> bool:
    return bool(row.get("failure")) or any(model["result"] == "refused" for model in row["pushed"]["models"])


def _bundle(places: tuple[str, ...]) -> tuple[str | None, tuple[str, ...]]:
    """SHA-256 of the bundle that was named before the places, if one was."""
    from ..files import digest

    if not places or not places[0].endswith(".sepia"):
        return None, places
    return digest(Path(places[0])), places[1:]
