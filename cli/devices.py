"""`sepia devices list|show|add|remove|probe|provision|emulate`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from .boards import at_each_place, exit_if_failed, places_option, read_places
from .output import json_option, print_result, result_only

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..devices.emulator.prepare import Prepared
    from ..devices.place import Place
    from ..devices.transport import Transport

__all__ = ["command"]


@click.group("devices")
def command() -> None:
    """Boards: yours by the names you gave them, and the kinds that Sepia knows.

    A PLACE is a name of yours, PROFILE@DESTINATION (whatever ssh connects to), or PROFILE@emulator.
    """


@command.command("list")
@json_option
def list_(as_json: bool) -> None:
    """Your boards, and the kinds of board that there are profiles of."""
    from ..devices.inventory import Inventory
    from ..devices.profile import profiles
    from .devices_text import listing_text

    boards, known = Inventory().boards(), profiles()
    result = {
        "boards": {name: board.model_dump() for name, board in boards.items()},
        "profiles": {
            name: {"title": one.title, "systems": [s.name for s in one.systems]} for name, one in known.items()
        },
    }
    print_result(result, as_json=as_json, text=listing_text(boards, known))


@command.command()
@click.argument("name")
@json_option
def show(name: str, as_json: bool) -> None:
    """All of a profile, with the source of each number, or of the board that you called NAME."""
    from ..devices.inventory import Inventory
    from ..devices.profile import profile_named, profiles
    from ..errors import ConfigError, nearest
    from .devices_text import profile_text

    boards, known = Inventory().boards(), profiles()
    if name not in boards and name not in known:
        raise ConfigError(
            name, "is neither a board of yours nor a kind of board", accepted=nearest(name, [*boards, *known])
        )
    board = boards.get(name)
    kind = board.profile if board else name
    profile = profile_named(kind) if kind else None
    result = {
        "board": None if board is None else {"name": name, **board.model_dump()},
        "profile": None if profile is None else profile.model_dump(mode="json"),
    }
    lines = [f"{name}: at {board.destination}"] if board else []
    lines += [profile_text(profile)] if profile else [f"what kind of board it is: sepia devices probe {name}"]
    print_result(result, as_json=as_json, text="\n".join(lines))


@command.command()
@click.argument("name")
@click.argument("place")
@json_option
def add(name: str, place: str, as_json: bool) -> None:
    """Call a board NAME: lower-case letters, digits and dots.

    PLACE: PROFILE@DESTINATION, such as pi4@pi@pi4.local, or DESTINATION alone, where a probe will tell what it is.
    """
    from ..devices.inventory import Inventory
    from ..devices.place import split_place

    inventory = Inventory()
    board = inventory.add(name, *split_place(place))
    text = f"added {name} to {inventory.path}; next: sepia devices probe {name}"
    print_result({"name": name, **board.model_dump()}, as_json=as_json, text=text)


@command.command()
@click.argument("name")
@json_option
def remove(name: str, as_json: bool) -> None:
    """Forget the board NAME. What Sepia put on it stays there: see `provision --remove`."""
    from ..devices.inventory import Inventory

    board = Inventory().remove(name)
    print_result({"name": name, **board.model_dump()}, as_json=as_json, text=f"{name} is forgotten; it was not touched")


@command.command()
@places_option
@click.option(
    "--transfer",
    type=click.FloatRange(min=0, min_open=True, max=1000),
    help="Send so many MB, of which the board checks the digest and stores nothing.",
)
@json_option
def probe(places: tuple[str, ...], everyone: bool, transfer: float | None, as_json: bool) -> None:
    """Ask boards what they are, all at once. Exit code 1 if one did not answer; the others are told all the same."""
    from .devices_text import probes_text

    def ask(place: Place, transport: Transport) -> dict[str, Any]:
        return _asked(place, transport, transfer)

    rows = at_each_place(read_places(places, everyone=everyone), ask)
    print_result(rows, as_json=as_json, text=probes_text(rows))
    exit_if_failed(rows)


@command.command()
@places_option
@click.option("--runtime", "runtimes", multiple=True, help="May be repeated  [default: all that run there]")
@click.option("--verify", is_flag=True, help="Read every file there again, and send what is spoilt.")
@click.option("--remove", "take_away", is_flag=True, help="Take everything of Sepia's from the boards.")
@json_option
def provision(
    places: tuple[str, ...], everyone: bool, runtimes: tuple[str, ...], verify: bool, take_away: bool, as_json: bool
) -> None:
    """Put the runtimes' wheels that fit each board on it; the board needs no internet. A second time sends nothing."""

    def put(place: Place, transport: Transport) -> dict[str, Any]:
        return _taken_away(transport) if take_away else _put(place, transport, runtimes, verify=verify)

    rows = at_each_place(read_places(places, everyone=everyone), put)
    print_result(rows, as_json=as_json, text="\n".join(line for row in rows for line in _told(row)))
    exit_if_failed(rows)


@command.command()
@click.argument("kinds", nargs=-1, required=True, metavar="PROFILE[-SYSTEM]...")
@click.option("--refresh", is_flag=True, help="Take newer packages, if the mirror has any.")
@json_option
def emulate(kinds: tuple[str, ...], refresh: bool, as_json: bool) -> None:
    """Make what an emulated core needs: an ARM root, a counter of instructions. Then: --target PROFILE@emulator."""
    from ..devices.emulator.prepare import prepare
    from ..devices.place import parse_place
    from .progress import showing

    rows = []
    with result_only(), showing() as progress:
        for kind in kinds:
            place = parse_place(kind if "@" in kind else f"{kind}@emulator")
            if place.kind != "emulator" or place.profile is None:
                raise click.UsageError(f"'{kind}' is no kind of board (see: sepia devices list)")
            system = place.profile.system(place.system)
            made = prepare(place.profile, system, refresh=refresh, say=lambda what: progress(what, 0, 0))
            rows.append({"place": place.text, "system": system.name, **_made(made)})
    print_result(rows, as_json=as_json, text="\n".join(map(_emulated, rows)))


def _made(made: Prepared) -> dict[str, Any]:
    found = {"cpu": made.cpu, "python": made.python, "qemu": made.qemu.version}
    return {**found, "packages": dict(made.packages), "no_counts": made.no_counts}


def _emulated(row: dict[str, Any]) -> str:
    why_not = row["no_counts"]
    counts = f"instructions are not counted: {why_not}" if why_not else "instructions are counted"
    return f"{row['place']}: {row['system']}, Python {row['python']} on qemu {row['qemu']}'s {row['cpu']}; {counts}"


def _asked(place: Place, transport: Transport, megabytes: float | None) -> dict[str, Any]:
    from dataclasses import asdict

    from ..devices.probe import notes, transfer
    from ..devices.probe import probe as ask
    from ..devices.profile import profile_of
    from ..devices.wheels import runtimes_of

    facts = ask(transport)
    looks_like = profile_of(facts)
    found: dict[str, Any] = {
        "facts": asdict(facts),
        "profile": None if looks_like is None else looks_like.name,
        "runtimes": list(runtimes_of(facts)),
        "notes": [*notes(facts), *_other_kind(place, facts.model)],
    }
    if megabytes is not None:
        sent = transfer(transport, megabytes)
        # An emulated core has no time, so no rate either.
        found["transfer"] = {"bytes": sent.bytes, "mb_per_s": sent.mb_per_s if transport.how == "measured" else None}
    return found


def _other_kind(place: Place, model: str) -> tuple[str, ...]:
    """A board that says itself that it is another kind than the user said."""
    said = place.profile
    if said is None or not model or not said.models or any(model.startswith(one) for one in said.models):
        return ()
    return (f"you said it is a {said.title}, and it says it is a {model}",)


def _put(place: Place, transport: Transport, runtimes: Sequence[str], *, verify: bool) -> dict[str, Any]:
    from dataclasses import asdict

    from ..devices.probe import probe as ask
    from ..devices.provision import provision as put
    from ..devices.wheels import runs_on, runtimes_of
    from ..errors import BoardError

    facts = ask(transport)
    for name in runtimes:
        verdict = runs_on(name, facts)
        if not verdict.ok:
            raise BoardError(place.text, verdict.reason, accepted=verdict.nearest)
    wanted = runtimes or runtimes_of(facts)
    if not wanted:
        verdict = runs_on("tflite-runtime", facts)
        raise BoardError(place.text, verdict.reason, accepted=verdict.nearest)
    return {"installed": {name: asdict(one) for name, one in put(transport, facts, wanted, verify=verify).items()}}


def _taken_away(transport: Transport) -> dict[str, Any]:
    from dataclasses import asdict

    from ..devices.provision import remove as take

    return {"removed": asdict(take(transport))}


def _told(row: dict[str, Any]) -> list[str]:
    if "failure" in row:
        return [f"failed: {row['failure']}"]
    if "removed" in row:
        return [f"{row['board']}: {row['removed']['files']} files, {row['removed']['bytes'] / 1e6:.1f} MB taken away"]
    return [
        f"{row['board']}: {name} {one['version']}, "
        + (f"{one['files']} files, {one['bytes'] / 1e6:.1f} MB sent" if one["pushed"] else "is there already")
        for name, one in row["installed"].items()
    ]
