"""`sepia ship publish BUNDLE… --repository REPO --channel C`, and what becomes of what was published."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from .output import json_option, print_result
from .ship_key_options import key_store, keys_option
from .ship_repository_option import repository_option
from .ship_repository_text import checked_text, pruned_text, published_text

if TYPE_CHECKING:
    from ..ship.keys import KeyStore
    from ..ship.repository import Published

__all__ = ["command"]


@click.command("publish")
@click.argument("bundles", nargs=-1, type=click.Path(path_type=Path, dir_okay=False), metavar="[BUNDLE]...")
@repository_option("The folder to be served.")
@click.option("--channel", default="stable", show_default=True)
@click.option("--rollout", type=float, help="Share of the boards, 0 to 1  [default: 1]")
@click.option("--deltas", type=int, default=3, show_default=True, help="From how many versions before.")
@click.option("--again", is_flag=True, help="Offer a version again that was withdrawn, or came before another.")
@click.option("--model", help="For what follows.")
@click.option("--version", help="Of what is offered  [default: whatever is]")
@click.option("--target", help="This one alone  [default: all]")
@click.option("--promote", metavar="VERSION", help="Offer in --channel the very bundles that another channel has.")
@click.option(
    "--from", "source", default="beta", show_default=True, metavar="CHANNEL", help="Where --promote takes them."
)
@click.option("--withdraw", is_flag=True, help="Offer the version before to everybody.")
@click.option("--prune", "pruned", is_flag=True, help="Remove what no board may still need.")
@click.option("--keep", type=int, default=5, show_default=True, help="Versions of a target that --prune leaves.")
@click.option("--grace", type=int, default=14, show_default=True, metavar="DAYS", help="How long files outlive theirs.")
@click.option("--check", "checked", is_flag=True, help="Read it all as a board would; what each target gets.")
@keys_option
@json_option
def command(
    bundles: Sequence[Path],
    repository: Path,
    channel: str,
    rollout: float | None,
    deltas: int,
    again: bool,
    model: str | None,
    version: str | None,
    target: str | None,
    promote: str | None,
    source: str,
    withdraw: bool,
    pruned: bool,
    keep: int,
    grace: int,
    checked: bool,
    keys_folder: Path | None,
    as_json: bool,
) -> None:
    """Offer BUNDLEs to the boards that follow a channel; without one, change what is offered.

    \b
    sepia ship publish lite0-1.2.0-*.sepia --channel beta
    sepia ship publish --model lite0 --promote 1.2.0 --rollout 0.1
    sepia ship publish --model lite0 --rollout 0.5
    sepia ship publish --model lite0 --withdraw

    Boards in a roll-out stay in it when the share grows. A published version never changes.
    """
    chosen = [name for name, given in _actions(bundles, promote, withdraw, pruned, checked, rollout).items() if given]
    if len(chosen) != 1:
        told = f"{' and '.join(chosen)} do not go together" if chosen else "nothing to do"
        raise click.UsageError(f"{told}: name BUNDLEs, or one of --promote, --withdraw, --rollout, --prune, --check")
    keys = key_store(keys_folder)
    if checked or pruned:
        return _look_after(repository, keys, checked=checked, keep=keep, grace=grace, as_json=as_json)
    if not bundles and not model:
        raise click.UsageError("--model is missing")
    share, name = 1.0 if rollout is None else rollout, str(model)
    from ..ship import repository as room

    where: dict[str, Any] = {"target": target}
    acts: dict[str, Callable[[], tuple[Published, ...]]] = {
        "--promote": lambda: room.promote(
            repository, keys, name, str(promote), source, channel, rollout=share, deltas=deltas, again=again, **where
        ),
        "--withdraw": lambda: room.withdraw(repository, keys, name, channel, version=version, **where),
        "--rollout": lambda: room.set_rollout(repository, keys, name, channel, share, version=version, **where),
        "BUNDLEs": lambda: _publish(repository, keys, bundles, channel, rollout=share, deltas=deltas, again=again),
    }
    published = acts[chosen[0]]()
    result = {"published": [one.to_json() for one in published], **published[0].outcome.to_json()}
    print_result(result, as_json=as_json, text=published_text(published))


def _actions(
    bundles: Sequence[Path],
    promote: str | None,
    withdraw: bool,
    pruned: bool,
    checked: bool,
    rollout: float | None,
) -> dict[str, bool]:
    """--rollout alone is an act of its own; beside BUNDLEs and --promote it says how far they go."""
    alone = rollout is not None and not bundles and promote is None
    return {
        "BUNDLEs": bool(bundles),
        "--promote": promote is not None,
        "--withdraw": withdraw,
        "--rollout": alone,
        "--prune": pruned,
        "--check": checked,
    }


def _publish(
    repository: Path, keys: KeyStore, bundles: Sequence[Path], channel: str, **options: Any
) -> tuple[Published, ...]:
    from ..ship.repository import publish_all

    # Lines and no bar: somebody may be asked for a passphrase meanwhile.
    def progress(what: str, done: int, of: int) -> None:
        click.echo(f"{what} …", err=True)

    return publish_all(repository, keys, bundles, channel, progress=progress, **options)


def _look_after(repository: Path, keys: KeyStore, *, checked: bool, keep: int, grace: int, as_json: bool) -> None:
    from ..ship.repository import check, prune

    if checked:
        found = check(repository, keys)
        return print_result(found.to_json(), as_json=as_json, text=checked_text(found))
    pruned = prune(repository, keys, keep=keep, grace_days=grace)
    result = {**pruned.to_json(), **pruned.outcome.to_json()}
    return print_result(result, as_json=as_json, text=pruned_text(pruned))
