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
    help="host, a board of yours, PROFILE@DESTINATION (pi4@pi@pi4.local) or PROFILE@emulator; may be repeated"
    "  [default: host]",
)
@click.option(
    "--threads",
    multiple=True,
    type=click.IntRange(min=1),
    help="Counts to try; may be repeated  [default: 1 here and emulated, 1, 2, 4 … on a board]",
)
@click.option(
    "--seconds",
    type=click.FloatRange(min=0, min_open=True, max=600),
    default=3.0,
    show_default=True,
    help="Timed, per row.",
)
@click.option(
    "--repeats",
    type=click.IntRange(min=0, max=10),
    default=2,
    show_default=True,
    help="Of a run that heat, swapping or other programs disturbed, at most.",
)
@json_option
def command(
    directory: Path,
    targets: tuple[str, ...],
    threads: tuple[int, ...],
    seconds: float,
    repeats: int,
    as_json: bool,
) -> int:
    """Measure latency and memory of every file in DIRECTORY on each target; write bench.json and results.json.

    Boards are measured all at once, after this machine. One that fails does not stop the others: its first cause is in
    the report, and the exit code is 1.
    """
    from ..pipeline import ModelFolder
    from ..pipeline.bench_files import BenchOptions, bench_files
    from ..pipeline.report_files import write_results
    from ..report.table import results_text
    from .progress import showing

    folder = ModelFolder(directory)
    with result_only(), showing() as progress:
        bench_files(folder, BenchOptions(targets or ("host",), threads, seconds, repeats), progress=progress)
        results = write_results(folder)
    print_result(results.model_dump(mode="json", by_alias=True), as_json=as_json, text=results_text(results))
    return int(any(device.failure for device in results.devices))
