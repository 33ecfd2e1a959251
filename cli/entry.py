"""`sepia`: finds the command's file when it is called, so that `sepia --help` loads nothing heavy."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Sequence

import click

from .. import __version__
from ..errors import SepiaError
from .lazy_group import LazyGroup

__all__ = ["COMMANDS", "main"]

COMMANDS = {
    "models": "List the zoo: parameters, MACs, the share in separable layers.",
    "separate": "Make a network's standard convolutions separable, for a budget or an agreement.",
    "export": "Write a network as float ONNX, TFLite and OpenVINO IR.",
    "quantize": "Quantise once to int8, and translate to every format.",
    "explain": "Say which layers are separable or could be; of an int8 file, which layer loses what.",
    "check": "Compare every runtime layer by layer, and whole against float.",
    "accuracy": "Top-1, top-5 and agreement with float on a labelled folder.",
    "bench": "Latency and memory by runtime and target.",
    "devices": "Boards: list, add, probe, provision, emulate.",
    "ship": "Signed bundles onto boards: publish, install, push, status, roll back.",
    "report": "Write results as HTML, Markdown, CSV and JSON.",
    "compare": "Compare two results; exit code 1 where a budget is broken.",
    "run": "Everything in sepia.toml; skips what has not changed.",
}
"""Command → its line in `sepia --help`. Each lives in the file of its name in this folder, as `command`."""


@click.group(
    cls=LazyGroup,
    lines=COMMANDS,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
)
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
