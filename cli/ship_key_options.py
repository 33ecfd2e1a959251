"""Where keys are, alike in every command that signs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from ..ship.keys import KeyStore

__all__ = ["key_store", "keys_option", "passphrase_option"]

VARIABLE = "SEPIA_SHIP_KEYS"


def keys_option(function: Any) -> Any:
    """`--keys DIR`."""
    return click.option(
        "--keys",
        "keys_folder",
        type=click.Path(path_type=Path, file_okay=False),
        envvar=VARIABLE,
        show_envvar=True,
        help="The folder of keys  [default: 'keys' in Sepia's own folder of settings]",
    )(function)


def passphrase_option(function: Any) -> Any:
    """`--no-passphrase`, for commands that may make a key."""
    told = "Keep a new key without one: whoever reads its file can sign."
    return click.option("--no-passphrase", "bare", is_flag=True, help=told)(function)


def key_store(folder: Path | None, *, bare: bool = False) -> KeyStore:
    """bare: new keys get no passphrase; those that have one are opened with it all the same."""
    from ..devices.config_folder import config_folder
    from ..ship.keys import KeyStore
    from ..ship.passphrase import ask

    if not bare:
        return KeyStore(folder or config_folder() / "keys")

    def passphrase(whose: str, new: bool) -> bytes | None:
        if not new:
            return ask(whose, False)
        click.echo(f"sepia: the key '{whose}' has no passphrase: whoever reads its file can sign", err=True)
        return None

    return KeyStore(folder or config_folder() / "keys", passphrase)
