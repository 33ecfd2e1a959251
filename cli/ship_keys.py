"""`sepia ship keys new|import|init|delegate|list|add|rotate|revoke|threshold|sign|renew`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from .output import json_option, print_result
from .ship_key_options import key_store, keys_option, passphrase_option
from .ship_repository_text import checked_text, columns, outcome_text

if TYPE_CHECKING:
    from ..ship.repository import Outcome

__all__ = ["command"]

_REPOSITORY = click.Path(path_type=Path, file_okay=False)
_FILE = click.Path(path_type=Path, dir_okay=False)
_COUNT = click.IntRange(min=1, max=100)
_DAYS = click.IntRange(min=1, max=3660)


@click.group("keys")
def command() -> None:
    """Keys, and who may sign what in a repository (The Update Framework's roles).

    root names everybody's keys, targets those of each channel; both sign seldom: keep their keys on machines that are
    offline, root's with several people. snapshot and timestamp sign at each change and each day: theirs lie where
    `publish` runs, and with them alone nobody can bring a bundle to a board. MODEL.CHANNEL signs for bundles.

    Passphrases are typed in, or read from the file that SEPIA_SHIP_PASSPHRASE_FILE names.
    """


@command.command("new")
@click.argument("names", nargs=-1, required=True, metavar="NAME...")
@keys_option
@passphrase_option
@json_option
def new(names: Sequence[str], keys_folder: Path | None, bare: bool, as_json: bool) -> None:
    """Make keys of ed25519: NAME, for its owner alone, and NAME.pub, to be handed out."""
    store = key_store(keys_folder, bare=bare)
    made = [
        {"name": name, "keyid": store.new(name).keyid, "public": str(store.folder / f"{name}.pub")} for name in names
    ]
    text = "\n".join(f"{one['name']}: {one['keyid'][:12]}, to be handed out: {one['public']}" for one in made)
    print_result({"keys": made}, as_json=as_json, text=text)


@command.command("import")
@click.argument("files", nargs=-1, required=True, type=_FILE, metavar="NAME.pub...")
@keys_option
@json_option
def import_(files: Sequence[Path], keys_folder: Path | None, as_json: bool) -> None:
    """Take in others' public keys, by the names of their files, to give them roles."""
    store = key_store(keys_folder)
    taken = [{"name": file.stem, "keyid": store.add_public(file.stem, file).keyid} for file in files]
    text = "\n".join(f"{one['name']}: {one['keyid'][:12]}" for one in taken)
    print_result({"keys": taken}, as_json=as_json, text=text)


@command.command("init")
@click.argument("repository", type=_REPOSITORY)
@click.option("--root", "root", multiple=True, metavar="KEY", help="May be repeated  [default: root-1, root-2, root-3]")
@click.option("--root-threshold", type=_COUNT, help="How many of them must sign  [default: 2, or 1 of one]")
@click.option("--targets", "targets", multiple=True, metavar="KEY", help="May be repeated  [default: targets]")
@click.option("--targets-threshold", type=_COUNT, default=1, show_default=True)
@click.option("--snapshot", default="snapshot", show_default=True, metavar="KEY")
@click.option("--timestamp", default="timestamp", show_default=True, metavar="KEY")
@click.option("--days", multiple=True, metavar="ROLE=N", help="How long signatures hold  [default: 365, 90, 7, 7]")
@keys_option
@passphrase_option
@json_option
def init(
    repository: Path,
    root: Sequence[str],
    root_threshold: int | None,
    targets: Sequence[str],
    targets_threshold: int,
    snapshot: str,
    timestamp: str,
    days: Sequence[str],
    keys_folder: Path | None,
    bare: bool,
    as_json: bool,
) -> None:
    """Make a repository; keys that the folder of keys has not yet are made.

    Then move the private keys of root and targets to machines that are offline, one of root's to each of its owners.
    """
    from ..ship.repository import create

    names = {"snapshot": [snapshot], "timestamp": [timestamp]}
    names |= {"root": list(root)} if root else {}
    names |= {"targets": list(targets)} if targets else {}
    thresholds = {"targets": targets_threshold, "root": root_threshold or (1 if len(set(root)) == 1 else 2)}
    store = key_store(keys_folder, bare=bare)
    outcome = create(repository, store, names=names, thresholds=thresholds, days=_days(days))
    _print(outcome, as_json, f"{repository} is a repository, with its keys in {store.folder}")


@command.command("delegate")
@click.argument("repository", type=_REPOSITORY)
@click.argument("model")
@click.argument("channel")
@click.option("--key", "names", multiple=True, help="May be repeated; made if there is none  [default: MODEL.CHANNEL]")
@click.option("--threshold", type=_COUNT, default=1, show_default=True, help="How many of them must sign.")
@keys_option
@passphrase_option
@json_option
def delegate(
    repository: Path,
    model: str,
    channel: str,
    names: Sequence[str],
    threshold: int,
    keys_folder: Path | None,
    bare: bool,
    as_json: bool,
) -> None:
    """Let keys sign for a CHANNEL (stable, beta) of a MODEL. targets signs."""
    from ..ship.repository import delegate as give

    outcome = give(repository, model, channel, key_store(keys_folder, bare=bare), threshold, names=names)
    _print(outcome, as_json, f"{model}.{channel} may be published")


@command.command("list")
@click.argument("repository", type=_REPOSITORY, required=False)
@keys_option
@json_option
def list_(repository: Path | None, keys_folder: Path | None, as_json: bool) -> None:
    """The keys that are here, or every role of a REPOSITORY as a board sees it, from the first root on."""
    store = key_store(keys_folder)
    if repository is not None:
        from ..ship.repository import check

        checked = check(repository, store, files=False)
        print_result(checked.to_json(), as_json=as_json, text=checked_text(checked))
        return
    held = [
        {"name": name, "keyid": store.public(name).keyid, "private": store.can_sign(name)} for name in store.names()
    ]
    rows = [(str(one["name"]), str(one["keyid"])[:12], "" if one["private"] else "public half alone") for one in held]
    empty = f"no keys in {store.folder}; next: sepia ship keys init REPOSITORY"
    print_result({"folder": str(store.folder), "keys": held}, as_json=as_json, text="\n".join(columns(rows)) or empty)


@command.command("add")
@click.argument("repository", type=_REPOSITORY)
@click.argument("role")
@click.argument("names", nargs=-1, required=True, metavar="KEY...")
@click.option("--threshold", type=_COUNT, help="How many of the role's keys must sign  [default: as before]")
@keys_option
@passphrase_option
@json_option
def add(
    repository: Path,
    role: str,
    names: Sequence[str],
    threshold: int | None,
    keys_folder: Path | None,
    bare: bool,
    as_json: bool,
) -> None:
    """Let more keys sign for a ROLE: root, targets, snapshot, timestamp or MODEL.CHANNEL."""
    from ..ship.repository import add_keys

    outcome = add_keys(repository, key_store(keys_folder, bare=bare), role, names, threshold=threshold)
    _print(outcome, as_json, f"{', '.join(names)} may sign for {role}")


@command.command("rotate")
@click.argument("repository", type=_REPOSITORY)
@click.argument("role")
@click.argument("old")
@click.argument("new")
@keys_option
@passphrase_option
@json_option
def rotate(
    repository: Path, role: str, old: str, new: str, keys_folder: Path | None, bare: bool, as_json: bool
) -> None:
    """Put the key NEW (made if there is none) in the place of OLD (its name, or the first digits of its id).

    A new root is signed by as many of the old root's keys as that asks for, and of its own.
    """
    from ..ship.repository import rotate as exchange

    outcome = exchange(repository, key_store(keys_folder, bare=bare), role, old, new)
    _print(outcome, as_json, f"{new} signs for {role} in the place of {old}")


@command.command("revoke")
@click.argument("repository", type=_REPOSITORY)
@click.argument("key")
@click.option("--role", help="In this role alone  [default: wherever it counts]")
@click.option("--threshold", type=_COUNT, help="How many of the keys that are left must sign  [default: as before]")
@keys_option
@json_option
def revoke(
    repository: Path, key: str, role: str | None, threshold: int | None, keys_folder: Path | None, as_json: bool
) -> None:
    """Let a KEY (its name, or the first digits of its id) count no more, as after a theft.

    What it signed is signed anew by the others. A role whose only key it is takes `rotate`.
    """
    from ..ship.repository import revoke as take

    outcome = take(repository, key_store(keys_folder), key, role=role, threshold=threshold)
    _print(outcome, as_json, f"{key} counts no more")


@command.command("threshold")
@click.argument("repository", type=_REPOSITORY)
@click.argument("role")
@click.argument("count", type=_COUNT)
@keys_option
@json_option
def threshold_(repository: Path, role: str, count: int, keys_folder: Path | None, as_json: bool) -> None:
    """How many of a ROLE's keys must sign."""
    from ..ship.repository import set_threshold

    outcome = set_threshold(repository, key_store(keys_folder), role, count)
    _print(outcome, as_json, f"{role} takes {count} signatures")


@command.command("sign")
@click.argument("where", type=click.Path(path_type=Path, exists=True), metavar="REPOSITORY|FILE")
@click.option(
    "--key", "names", multiple=True, help="Sign with this one; may be repeated  [default: as many as it takes]"
)
@click.option(
    "--from", "files", multiple=True, type=_FILE, help="Take in the signatures of this file; may be repeated."
)
@click.option("--drop", metavar="ROLE", help="Give up what waits in this role.")
@keys_option
@json_option
def sign(
    where: Path, names: Sequence[str], files: Sequence[Path], drop: str | None, keys_folder: Path | None, as_json: bool
) -> None:
    """Sign what waits in a REPOSITORY, and bring into force what has its signatures.

    Where the repository is not: sign a FILE of its folder `waiting` with --key, and bring it back: --from FILE.
    """
    from ..ship.repository import drop as give_up
    from ..ship.repository import sign_file, sign_waiting

    store = key_store(keys_folder)
    if where.is_dir() and drop:
        _print(give_up(where, drop, store), as_json, f"what waited in {drop} is given up")
    elif where.is_dir():
        outcome = sign_waiting(where, store, names=names, files=files)
        _print(outcome, as_json, "signed" if not outcome.versions else "")
    else:
        if len(names) != 1 or files or drop:
            raise click.UsageError("a file is signed with one --key, and takes nothing else")
        role, version = sign_file(where, store, names[0])
        told = {"role": role, "version": version, "file": str(where), "key": names[0]}
        print_result(told, as_json=as_json, text=f"{role} {version} is signed by {names[0]}; bring back {where}")


@command.command("renew")
@click.argument("repository", type=_REPOSITORY)
@click.argument("roles", nargs=-1, metavar="[ROLE]...")
@click.option("--days", type=_DAYS, help="Another lifetime of these roles from now on.")
@keys_option
@json_option
def renew(repository: Path, roles: Sequence[str], days: int | None, keys_folder: Path | None, as_json: bool) -> None:
    """Sign timestamp and snapshot anew, for a timer to run each day; and ROLEs, a few times a year.

    Says what ends soon. Exit code 1 if the timestamp can't be signed.
    """
    from ..ship.repository import renew as again

    outcome = again(repository, key_store(keys_folder), roles, days=days)
    _print(outcome, as_json, "")


def _days(texts: Sequence[str]) -> Mapping[str, int]:
    found = {}
    for text in texts:
        role, equals, number = text.partition("=")
        if not equals or not number.isdigit():
            raise click.UsageError(f"--days takes ROLE=N, as root=365, and not '{text}'")
        found[role] = int(number)
    return found


def _print(outcome: Outcome, as_json: bool, done: str) -> None:
    print_result(outcome.to_json(), as_json=as_json, text=outcome_text(outcome, done))
