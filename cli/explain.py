"""`sepia explain MODEL`."""

from __future__ import annotations

from pathlib import Path

import click

from .output import json_option, print_result, result_only

__all__ = ["command"]


@click.command("explain")
@click.argument("model")
@click.option(
    "--calibrate",
    type=click.Path(path_type=Path),
    help="Of int8: samples to measure with, image folder, .npz or .npy  [default: the photos in scikit-image]",
)
@click.option(
    "--samples",
    type=click.IntRange(min=1),
    help="Of int8: at most so many of them, evenly over all.  [default: 32]",
)
@click.option("--rows", type=click.IntRange(min=1), default=12, show_default=True, help="Layers in the table.")
@json_option
def command(model: str, calibrate: Path | None, samples: int | None, rows: int, as_json: bool) -> None:
    """Say which layers of MODEL are separable and which could be; of a folder with an int8 file, where int8 loses.

    MODEL is a zoo name (see `sepia models`), file.py:factory, a .pt2, a float .onnx, or a folder that holds a float
    model.onnx: which layers are depthwise, pointwise or spatially separable, which standard ones could be, what that
    would save in parameters and MACs, and why not where nothing is gained.

    MODEL is a folder with model.int8.onnx: which layer loses what, written to explanation.json and explanation.html
    too. Any tool's QDQ file will do, beside the float model.onnx that it was made from. Nothing is quantised anew.
    """
    from ..pipeline import ModelFolder
    from ..pipeline.explain_files import SAMPLES, explain_files
    from ..pipeline.separability_files import explained_as, separability_files
    from ..report import explained, separability
    from .progress import showing

    with result_only(), showing() as progress:
        source = explained_as(model, measured={"--calibrate": calibrate, "--samples": samples})
        if source is not None:
            shape = separability_files(source, progress=progress)
            record, text = shape.model_dump(mode="json", by_alias=True), separability.to_text(shape, rows=rows)
        else:
            loss = explain_files(
                ModelFolder(Path(model)), calibrate=calibrate, samples=samples or SAMPLES, progress=progress
            )
            record, text = loss.model_dump(mode="json", by_alias=True), explained.to_text(loss, rows=rows)
    print_result(record, as_json=as_json, text=text)
