"""A group of commands, each in a file of its own that is imported only when it is called."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Any

import click

from ..errors import nearest

__all__ = ["LazyGroup"]


class LazyGroup(click.Group):
    """lines: command → its line in the group's help. prefix: what a file's name has before the command's.

    The command is called `command` in its file.
    """

    def __init__(self, *arguments: Any, lines: Mapping[str, str], prefix: str = "", **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.lines = lines
        self.prefix = prefix

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.lines)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self.lines:
            return None
        command: click.Command = importlib.import_module(f"{__package__}.{self.prefix}{cmd_name}").command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in self.lines and not args[0].startswith("-"):
            raise click.UsageError(f"no command '{args[0]}' ({nearest(args[0], self.lines)})")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The table alone: asking each command for its help would import it."""
        with formatter.section("Commands"):
            formatter.write_dl(list(self.lines.items()))
