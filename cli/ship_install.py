"""`sepia ship install PLACE… --trust REPO --model M --target T`."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from .boards import at_each_place, exit_if_failed, places_option, read_places
from .output import json_option, print_result

if TYPE_CHECKING:
    from ..devices.place import Place
    from ..devices.transport import Transport

__all__ = ["command"]

_SECONDS = click.FloatRange(min=1, max=86400)


@click.command("install")
@places_option
@click.option("--trust", type=click.Path(path_type=Path), help="The repository's folder, or a root.json.")
@click.option("--repository", default="", metavar="URL", help="Pull from it  [default: bundles are pushed]")
@click.option("--model", help="What to follow.")
@click.option("--target", help="For what it is built: pi4-bookworm64-litert-t4.")
@click.option("--channel", default="stable", show_default=True)
@click.option("--name", help="The board's name in roll-outs  [default: yours for it, or where it is]")
@click.option("--every", default="15min", show_default=True, help="How often it pulls: 10min, 1h, 6h, 1d …")
@click.option("--keep", type=click.IntRange(min=2, max=100), default=3, show_default=True, help="Versions, at most.")
@click.option("--health", default="", metavar="COMMAND", help="Says by its exit code whether the application is well.")
@click.option("--reload", default="", metavar="COMMAND", help="Tells the application that another version is there.")
@click.option("--max-selftest", type=_SECONDS, default=300, show_default=True, metavar="SECONDS")
@click.option("--max-health", type=_SECONDS, default=60, show_default=True, metavar="SECONDS")
@click.option("--max-reload", type=_SECONDS, default=30, show_default=True, metavar="SECONDS")
@click.option("--max-download", type=_SECONDS, default=3600, show_default=True, metavar="SECONDS")
@click.option("--remove", "take_away", is_flag=True, help="Take the agent and all its models from the boards.")
@json_option
def command(
    places: tuple[str, ...],
    everyone: bool,
    trust: Path | None,
    repository: str,
    model: str | None,
    target: str | None,
    channel: str,
    name: str | None,
    every: str,
    keep: int,
    health: str,
    reload: str,
    max_selftest: float,
    max_health: float,
    max_reload: float,
    max_download: float,
    take_away: bool,
    as_json: bool,
) -> None:
    """Put the agent on boards: whom each trusts, what it follows, and the systemd units that run it.

    Needs Python 3.10 there, and nothing else: no internet, no compiler. Once more with another model adds it. The
    application reads ~/.sepia/ship/models/MODEL/current/.
    """
    from ..ship.agent.config import Followed, Timeouts
    from ..ship.install import Order, install, uninstall
    from ..ship.systemd import period
    from ..ship.trust import read_trust
    from .ship_text import installed_text

    chosen = read_places(places, everyone=everyone)
    if take_away:
        rows = at_each_place(chosen, lambda _, transport: {"removed": uninstall(transport).to_json()})
        print_result(rows, as_json=as_json, text=installed_text(rows))
        return exit_if_failed(rows)
    for option, given in (("--trust", trust), ("--model", model), ("--target", target)):
        if not given:
            raise click.UsageError(f"{option} is missing")
    if name is not None and len(chosen) > 1:
        raise click.UsageError("--name is for one board")
    timeouts = Timeouts(max_health, max_reload, max_selftest, max_download)
    followed = Followed(str(target), channel, keep, _words("--health", health), _words("--reload", reload), timeouts)
    trusted, pulling = read_trust(Path(str(trust))), period(every)

    def put(place: Place, transport: Transport) -> dict[str, Any]:
        order = Order(name or _board_name(place), str(model), followed, trusted, repository, pulling)
        return {"installed": install(transport, order).to_json()}

    rows = at_each_place(chosen, put)
    print_result(rows, as_json=as_json, text=installed_text(rows))
    exit_if_failed(rows)


def _words(option: str, line: str) -> tuple[str, ...]:
    try:
        return tuple(shlex.split(line))
    except ValueError as error:
        raise click.UsageError(f"{option}: '{line}' cannot be read ({error})") from error


def _board_name(place: Place) -> str:
    """Your own name for it, or where it is: no two boards have the same."""
    return place.destination if place.kind == "ssh" and place.destination and "@" in place.text else place.text
