"""`sepia quantize DIR -o DIR`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from .output import json_option, print_result, result_only

if TYPE_CHECKING:
    from ..pipeline import ModelFolder
    from ..pipeline.quantize_files import QuantizeOptions
    from ..report.explained import Explanation
    from .progress import Progress

__all__ = ["command"]


@click.command("quantize")
@click.argument("directory", type=click.Path(path_type=Path))
@click.option(
    "-o", "--output", type=click.Path(path_type=Path, file_okay=False), help="Folder to fill  [default: DIRECTORY]"
)
@click.option(
    "--calibrate",
    type=click.Path(path_type=Path),
    help="Image folder, .npz or .npy  [default: the photos in scikit-image]",
)
@click.option("--images", type=click.IntRange(min=1), help="At most so many of them  [default: all]")
@click.option("--recipe", default="default", show_default=True, help="Name, TOML file, or auto: see --max-loss.")
@click.option(
    "--max-loss",
    type=click.FloatRange(min=0),
    help="Of --recipe auto: the cheapest recipe that loses no more, on samples held back; of --mixed: the fewest "
    "layers in float. Percent: rms error of the outputs against their spread; with --labels, points of top-1.",
)
@click.option("--labels", is_flag=True, help="The folder of --calibrate tells the classes, as for sepia accuracy.")
@click.option("--float-layers", default="", help="Nodes to leave in float, NAME,…; * and ? stand for any signs.")
@click.option("--mixed", is_flag=True, help="Leave as few layers in float as keep to --max-loss.")
@click.option("--curve", is_flag=True, help="Write curve.json and curve/: loss, size and latency, from int8 to float.")
@click.option(
    "--by",
    type=click.Choice(["macs", "bytes"]),
    default="macs",
    show_default=True,
    help="Of --mixed and --curve: what there should be little of in float.",
)
@click.option(
    "--activations",
    type=click.Choice(["uint8", "int8"]),
    default="uint8",
    show_default=True,
    help="Encoding in the ONNX file.",
)
@click.option(
    "--io", type=click.Choice(["float", "int8"]), default="float", show_default=True, help="TFLite inputs and outputs."
)
@click.option("--saturation-safe", is_flag=True, help="7-bit weights, for x86 processors without VNNI.")
@click.option("--formats", default="onnx,tflite,openvino", show_default=True, help="Comma-separated; onnx always is.")
@click.option("--explain", is_flag=True, help="Then say which layer loses what, as sepia explain does.")
@json_option
def command(
    directory: Path,
    output: Path | None,
    calibrate: Path | None,
    images: int | None,
    recipe: str,
    max_loss: float | None,
    labels: bool,
    float_layers: str,
    mixed: bool,
    curve: bool,
    by: Literal["macs", "bytes"],
    activations: Literal["uint8", "int8"],
    io: Literal["float", "int8"],
    saturation_safe: bool,
    formats: str,
    explain: bool,
    as_json: bool,
) -> None:
    """Quantise DIRECTORY/model.onnx once; write model.int8.onnx, .tflite, .xml/.bin and quantization.json."""
    from ..pipeline import ModelFolder
    from ..pipeline.export_files import formats_of
    from ..pipeline.quantize_files import GoalMissed, QuantizeOptions, quantize_files
    from .progress import showing

    folder = ModelFolder(output or directory, float_path=directory)
    floats = tuple(name.strip() for name in float_layers.split(",") if name.strip())
    options = QuantizeOptions(
        recipe, calibrate, images, activations, saturation_safe, io, max_loss, labels, floats, mixed, by
    )
    if curve:
        _curve(ModelFolder(directory), folder, options, formats, as_json)
        return
    missed: GoalMissed | None = None
    with result_only(), showing() as progress:
        chosen = formats_of([name.strip() for name in formats.split(",") if name.strip()])
        try:
            summary = quantize_files(ModelFolder(directory), folder, options, formats=chosen, progress=progress)
        except GoalMissed as error:
            missed, summary = error, error.summary
        told = _explained(folder, calibrate, progress) if explain else None
    result, text = summary.to_json(), summary.to_text()
    if told is not None:
        from ..report.explained import to_text

        result["explanation"] = told.model_dump(mode="json", by_alias=True)
        text = f"{text}\n\n{to_text(told)}"
    print_result(result, as_json=as_json, text=text)
    if missed is not None:
        raise missed


def _explained(folder: ModelFolder, calibrate: Path | None, progress: Progress) -> Explanation:
    from ..pipeline.explain_files import explain_files

    return explain_files(folder, calibrate=calibrate, progress=progress)


def _curve(source: ModelFolder, folder: ModelFolder, options: QuantizeOptions, formats: str, as_json: bool) -> None:
    from ..pipeline.curve_files import curve_files
    from ..pipeline.export_files import formats_of
    from .progress import showing

    if options.mixed or options.max_loss is not None:
        raise click.UsageError("--curve goes without --mixed and --max-loss: it shows what each loss costs")
    with result_only(), showing() as progress:
        chosen = formats_of([name.strip() for name in formats.split(",") if name.strip()])
        table = curve_files(source, folder, options, formats=chosen, progress=progress)
    print_result(table.to_json(), as_json=as_json, text=table.to_text())
