"""`sepia explain DIR`."""

from __future__ import annotations

from pathlib import Path

import click

from .output import json_option, print_result, result_only

__all__ = ["command"]


@click.command("explain")
@click.argument("directory", type=click.Path(path_type=Path))
@click.option(
    "--calibrate",
    type=click.Path(path_type=Path),
    help="Samples to measure with: image folder, .npz or .npy  [default: the photos in scikit-image]",
)
@click.option(
    "--samples",
    type=click.IntRange(min=1),
    default=32,
    show_default=True,
    help="At most so many of them, evenly over all.",
)
@click.option("--rows", type=click.IntRange(min=1), default=12, show_default=True, help="Layers in the table.")
@json_option
def command(directory: Path, calibrate: Path | None, samples: int, rows: int, as_json: bool) -> None:
    """Say which layer of DIRECTORY/model.int8.onnx loses what; write explanation.json and explanation.html.

    Any tool's QDQ file will do, beside the float model.onnx that it was made from. Nothing is quantised anew.
    """
    from ..pipeline import ModelFolder
    from ..pipeline.explain_files import explain_files
    from ..report.explained import to_text
    from .progress import showing

    with result_only(), showing() as progress:
        found = explain_files(ModelFolder(directory), calibrate=calibrate, samples=samples, progress=progress)
    print_result(found.model_dump(mode="json", by_alias=True), as_json=as_json, text=to_text(found, rows=rows))
