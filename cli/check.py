"""`sepia check DIR`."""

from __future__ import annotations

from pathlib import Path

import click

from .output import json_option, print_result, result_only

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
@json_option
def command(
    directory: Path, runtimes: tuple[str, ...], calibrate: Path | None, samples: int, images: int, as_json: bool
) -> None:
    """Compare the runtimes layer by layer on the same int8 inputs, and whole networks with float.

    Exit code 1 if a runtime's layers differ by more than rounding explains.
    """
    from ..pipeline import ModelFolder
    from ..pipeline.check_files import check_files
    from .progress import showing

    with result_only(), showing() as progress:
        found = check_files(
            ModelFolder(directory),
            runtimes=runtimes or None,
            calibrate=calibrate,
            samples=samples,
            images=images,
            progress=progress,
        )
    print_result(found.to_json(), as_json=as_json, text=found.to_text())
    if not found.agrees:
        raise click.exceptions.Exit(1)
