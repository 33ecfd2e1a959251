"""`sepia bench DIR --target T…`."""

from __future__ import annotations

from pathlib import Path

import click

from .output import json_option, print_result, result_only

__all__ = ["command"]


@click.command("bench")
@click.argument("directory", type=click.Path(path_type=Path))
@click.option(
    "--target",
    "targets",
    multiple=True,
    help="host, or a full name like host-debian12-litert-t1; may be repeated  [default: host]",
)
@click.option(
    "--threads", multiple=True, type=click.IntRange(min=1), help="Counts to try; may be repeated  [default: 1]"
)
@click.option(
    "--seconds",
    type=click.FloatRange(min=0, min_open=True, max=600),
    default=3.0,
    show_default=True,
    help="Timed, per row.",
)
@json_option
def command(directory: Path, targets: tuple[str, ...], threads: tuple[int, ...], seconds: float, as_json: bool) -> None:
    """Measure latency and memory of every file in DIRECTORY on each target; write bench.json and results.json."""
    from ..pipeline import ModelFolder
    from ..pipeline.bench_files import BenchOptions, bench_files
    from ..pipeline.report_files import write_results
    from ..report.table import results_text
    from .progress import showing

    folder = ModelFolder(directory)
    with result_only(), showing() as progress:
        bench_files(folder, BenchOptions(targets or ("host",), threads or (1,), seconds), progress=progress)
        results = write_results(folder)
    print_result(results.model_dump(mode="json", by_alias=True), as_json=as_json, text=results_text(results))
