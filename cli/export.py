"""`sepia export SOURCE -o DIR`."""

from __future__ import annotations

from pathlib import Path

import click

from .output import json_option, print_result, result_only

__all__ = ["command"]


@click.command("export")
@click.argument("source")
@click.option("-o", "--output", type=click.Path(path_type=Path, file_okay=False), required=True, help="Folder to fill.")
@click.option("--formats", default="onnx,tflite,openvino", show_default=True, help="Comma-separated; onnx always is.")
@click.option("--dynamic-batch", is_flag=True, help="Leave the batch size open where the format can.")
@json_option
def command(source: str, output: Path, formats: str, dynamic_batch: bool, as_json: bool) -> None:
    """Write SOURCE as float model.onnx, model.tflite and model.xml/.bin.

    SOURCE is a zoo name (see `sepia models`), file.py:factory, a .pt2 or an .onnx file. An .onnx file that another tool
    quantised (Q/DQ pairs) is written as model.int8.onnx, model.int8.tflite and model.int8.xml/.bin: put the float
    network that it was made from into the same folder first.
    """
    from ..pipeline import ModelFolder
    from ..pipeline.export_files import export_files, formats_of
    from .progress import showing

    with result_only(), showing() as progress:
        chosen = formats_of([name.strip() for name in formats.split(",") if name.strip()])
        done = export_files(source, ModelFolder(output), formats=chosen, dynamic_batch=dynamic_batch, progress=progress)
    print_result(done.to_json(), as_json=as_json, text=done.to_text())
