"""`sepia`: finds the command's file when it is called, so that `sepia --help` loads nothing heavy."""

from __future__ import annotations

import importlib
import sys
import traceback
from collections.abc import Sequence

import click

from .. import __version__
from ..errors import SepiaError, nearest

__all__ = ["COMMANDS", "main"]

COMMANDS = {
    "models": "List the zoo: parameters, MACs, the share in separable layers.",
    "export": "Write a network as float ONNX, TFLite and OpenVINO IR.",
    "quantize": "Quantise once to int8, and translate to every format.",
    "check": "Compare every runtime layer by layer, and whole against float.",
    "accuracy": "Top-1, top-5 and agreement with float on a labelled folder.",
    "bench": "Latency and memory by runtime and target.",
    "devices": "Boards: list, add, probe, provision, emulate.",
    "report": "Write results as HTML, Markdown, CSV and JSON.",
    "compare": "Compare two results; exit code 1 where a budget is broken.",
    "run": "Everything in sepia.toml; skips what has not changed.",
}
"""Command → its line in `sepia --help`. Each lives in the file of its name in this folder, as `command`."""


class _Commands(click.Group):
    """A group that imports a command's file only when the command is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = importlib.import_module(f"{__package__}.{cmd_name}").command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            raise click.UsageError(f"no command '{args[0]}' ({nearest(args[0], COMMANDS)})")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The table alone: asking each command for its help would import it."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(__version__, prog_name="sepia")
def _sepia() -> None:
    """Separable convolutional networks, from torch to int8 files on ARM boards.

    One quantisation, translated to every format; every figure says how it was had.
    """


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one command and leave the process with its exit code."""
    sys.exit(_exit_code(arguments))


def _exit_code(arguments: Sequence[str] | None) -> int:
    try:
        code = _sepia.main(args=arguments, prog_name="sepia", standalone_mode=False)
        return code if isinstance(code, int) else 0
    except SepiaError as error:
        return _told(str(error))
    except click.ClickException as error:
        return _told(_usage(error))
    except (KeyboardInterrupt, click.Abort):
        print("sepia: stopped; what was finished is kept, the same command goes on from there", file=sys.stderr)  # noqa: T201
        return 130
    except BrokenPipeError:
        return 1
    except Exception:  # noqa: BLE001 - the border: whatever comes here is a bug of ours, and says so
        traceback.print_exc()
        print("sepia: this is a bug of ours; the lines above say where", file=sys.stderr)  # noqa: T201
        return 2


def _usage(error: click.ClickException) -> str:
    context = getattr(error, "ctx", None)
    hint = f" (see: {context.command_path} --help)" if context is not None else ""
    return " ".join(error.format_message().split()) + hint


def _told(line: str) -> int:
    print(f"sepia: {line}", file=sys.stderr)  # noqa: T201
    return 1
