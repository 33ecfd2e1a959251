"""`sepia separate SOURCE -o DIR`."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import click

from .output import json_option, print_result, result_only

__all__ = ["command"]


@click.command("separate")
@click.argument("source")
@click.option("-o", "--output", type=click.Path(path_type=Path, file_okay=False), required=True, help="Folder to fill.")
@click.option(
    "--keep-accuracy",
    type=click.FloatRange(0, 1),
    help="As few MACs as agree with SOURCE on so many of the samples held back, from 0 to 1. No labels are needed.",
)
@click.option("--budget", help="As near to SOURCE as so many MACs can be: 120M, 0.3G, 2e8, or 50% of what it has.")
@click.option(
    "--calibrate",
    type=click.Path(path_type=Path),
    help="Samples to fit, repair and judge with: image folder, .npz or .npy  [default: the photos in scikit-image]",
)
@click.option("--images", type=click.IntRange(min=1), help="At most so many of them  [default: all]")
@click.option("--steps", type=click.IntRange(min=0), default=400, show_default=True, help="Batches of repair; 0: none.")
@click.option(
    "--by",
    type=click.Choice(["outputs", "responses"]),
    default="outputs",
    show_default=True,
    help="Layers are chosen by what the network's outputs lose, or each layer's responses: quicker, and coarser.",
)
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Of the order of the samples.")
@click.option(
    "--seconds", type=click.FloatRange(min=0), default=3.0, show_default=True, help="Of each latency; 0: none."
)
@click.option(
    "--target",
    default="host",
    show_default=True,
    help="Where: host, a board of yours, PROFILE@DESTINATION (pi4@pi@pi4.local), or PROFILE@emulator: instructions.",
)
@click.option("--formats", default="onnx,tflite,openvino", show_default=True, help="Comma-separated; onnx always is.")
@json_option
def command(
    source: str,
    output: Path,
    keep_accuracy: float | None,
    budget: str | None,
    calibrate: Path | None,
    images: int | None,
    steps: int,
    by: Literal["outputs", "responses"],
    seed: int,
    seconds: float,
    target: str,
    formats: str,
    as_json: bool,
) -> None:
    """Make SOURCE's standard convolutions separable; write model.pt2, the float files and a report.

    SOURCE is a zoo name (see `sepia models`), file.py:factory or a .pt2. Layers, techniques and ranks are chosen by
    what they cost; then the network learns from SOURCE on your samples. Stopped, the same command goes on from there.
    """
    from ..pipeline import ModelFolder
    from ..pipeline.export_files import formats_of
    from ..pipeline.separate_files import SeparateOptions, separate_files
    from ..report.separation import to_text
    from .progress import showing

    options = SeparateOptions(keep_accuracy, budget, calibrate, images, by, steps, seed, seconds, target)
    with result_only(), showing() as progress:
        chosen = formats_of([name.strip() for name in formats.split(",") if name.strip()])
        found = separate_files(source, ModelFolder(output), options, formats=chosen, progress=progress)
    print_result(found.model_dump(mode="json", by_alias=True), as_json=as_json, text=to_text(found))
