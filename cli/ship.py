"""`sepia ship bundle|keys|publish|install|push|status|rollback|verify|rehearse`: each in a file `ship_<name>.py`."""

from __future__ import annotations

import click

from .lazy_group import LazyGroup

__all__ = ["SUBCOMMANDS", "command"]

SUBCOMMANDS = {
    "bundle": "One file of a model, a version and a target, with all that a board needs.",
    "keys": "Keys and roles of a repository: make, list, rotate, revoke.",
    "publish": "Put bundles into a repository of static files; channels and roll-outs.",
    "install": "Put the agent on a board, with whom it trusts and what it follows.",
    "push": "Bring what is published to boards over SSH, in waves.",
    "status": "What runs where, and why a version was refused.",
    "rollback": "Back to the version before.",
    "verify": "Read what runs on boards again, or check a bundle here.",
    "rehearse": "The whole story on emulated boards, with a version that fails.",
}
"""Sub-command → its line in `sepia ship --help`."""


@click.group("ship", cls=LazyGroup, lines=SUBCOMMANDS, prefix="ship_")
def command() -> None:
    """From int8 files to boards: signed bundles, switched only after a test on the board, rolled back by themselves."""
