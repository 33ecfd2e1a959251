"""`sepia accuracy DIR --data PATH`."""

from __future__ import annotations

from pathlib import Path

import click

from .output import json_option, print_result, result_only

__all__ = ["command"]


@click.command("accuracy")
@click.argument("directory", type=click.Path(path_type=Path))
@click.option(
    "--data", type=click.Path(path_type=Path), required=True, help="A sub-folder a class, or files INDEX_NAME.jpg."
)
@click.option("--images", type=click.IntRange(min=1), help="At most so many  [default: all]")
@click.option("--runtime", "runtimes", multiple=True, help="Only these; may be repeated  [default: all that run here]")
@json_option
def command(directory: Path, data: Path, images: int | None, runtimes: tuple[str, ...], as_json: bool) -> None:
    """Measure top-1, top-5, agreement with float and the rms error of the logits, by file and runtime."""
    from ..pipeline import ModelFolder
    from ..pipeline.accuracy_files import accuracy_files
    from .progress import showing

    with result_only(), showing() as progress:
        found = accuracy_files(
            ModelFolder(directory), data=data, images=images, runtimes=runtimes or None, progress=progress
        )
    print_result(found.to_json(), as_json=as_json, text=found.to_text())
