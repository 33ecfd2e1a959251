"""`sepia check DIR`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from .output import json_option, print_result, result_only

if TYPE_CHECKING:
    from ..pipeline.check_files import Checked
    from ..pipeline.check_target import CheckedTarget

__all__ = ["command"]


@click.command("check")
@click.argument("directory", type=click.Path(path_type=Path))
@click.option(
    "--runtime", "runtimes", multiple=True, help="Compare only these; may be repeated  [default: all that run here]"
)
@click.option(
    "--calibrate",
    type=click.Path(path_type=Path),
    help="Inputs: image folder, .npz or .npy  [default: the photos in scikit-image]",
)
@click.option(
    "--samples", type=click.IntRange(min=1), default=2, show_default=True, help="Inputs sent through every layer."
)
@click.option(
    "--images", type=click.IntRange(min=1), default=16, show_default=True, help="Inputs for the error against float."
)
@click.option(
    "--target",
    help="Compare a board's runtimes with this machine's: pi4@emulator, PROFILE@DESTINATION or a name of "
    "`sepia devices list`; --images is not used then  [default: this machine alone]",
)
@json_option
def command(
    directory: Path,
    runtimes: tuple[str, ...],
    calibrate: Path | None,
    samples: int,
    images: int,
    target: str | None,
    as_json: bool,
) -> None:
    """Compare the runtimes layer by layer on the same int8 inputs, and whole networks with float.

    With --target, the same layers run on a board or an emulated core, and whole int8 networks are compared bit for
    bit with the same runtime here. Exit code 1 if a runtime's layers differ by more than rounding explains.
    """
    from ..pipeline import ModelFolder
    from .progress import showing

    folder = ModelFolder(directory)
    found: Checked | CheckedTarget
    with result_only(), showing() as progress:
        if target is not None:
            from ..devices.place import parse_place
            from ..pipeline.check_target import check_target

            found = check_target(
                folder,
                parse_place(target),
                runtimes=runtimes or None,
                calibrate=calibrate,
                samples=samples,
                progress=progress,
            )
        else:
            from ..pipeline.check_files import check_files

            found = check_files(
                folder,
                runtimes=runtimes or None,
                calibrate=calibrate,
                samples=samples,
                images=images,
                progress=progress,
            )
    print_result(found.to_json(), as_json=as_json, text=found.to_text())
    if not found.agrees:
        raise click.exceptions.Exit(1)
