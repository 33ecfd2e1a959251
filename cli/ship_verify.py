"""`sepia ship verify PLACE… | FILE.sepia --trust REPO`."""

from __future__ import annotations

from pathlib import Path

import click

from .boards import at_each_place, exit_if_failed, places_option, read_places
from .output import json_option, print_result

__all__ = ["command"]


@click.command("verify")
@places_option
@click.option(
    "--trust",
    type=click.Path(path_type=Path, file_okay=False),
    help="For a FILE.sepia here: the repository's folder in which it should be signed.",
)
@click.option("--root", type=click.Path(path_type=Path, dir_okay=False), help="A root.json to begin with, kept apart.")
@json_option
def command(places: tuple[str, ...], everyone: bool, trust: Path | None, root: Path | None, as_json: bool) -> None:
    """Read every byte of what runs on the boards again, or of bundles here (PLACE is then a FILE.sepia).

    Of a file: is it whole, does it keep the limits, and is it signed for in a repository? Exit code 1 if not.
    """
    if any(place.endswith(".sepia") for place in places):
        return _files(places, everyone=everyone, trust=trust, root=root, as_json=as_json)
    from ..ship.verify import verify
    from .ship_text import verified_text

    rows = at_each_place(read_places(places, everyone=everyone), lambda _, transport: {"verified": verify(transport)})
    print_result(rows, as_json=as_json, text=verified_text(rows))
    exit_if_failed(rows)


def _files(places: tuple[str, ...], *, everyone: bool, trust: Path | None, root: Path | None, as_json: bool) -> None:
    from ..ship.verify import verify_file
    from .ship_text import signed_text

    if everyone or not all(place.endswith(".sepia") for place in places):
        raise click.UsageError("boards or files, not both")
    if trust is None:
        raise click.UsageError("--trust is missing: the repository's folder in which the file should be signed")
    found = [verify_file(Path(place), trust, root) for place in places]
    print_result([one.to_json() for one in found], as_json=as_json, text=signed_text(found))
