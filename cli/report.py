"""`sepia report RESULTS… -o DIR`."""

from __future__ import annotations

from pathlib import Path

import click

from .output import json_option, print_result

__all__ = ["command"]


@click.command("report")
@click.argument("results", type=click.Path(path_type=Path), nargs=-1, required=True)
@click.option("-o", "--output", type=click.Path(path_type=Path, file_okay=False), required=True, help="Folder to fill.")
@json_option
def command(results: tuple[Path, ...], output: Path, as_json: bool) -> None:
    """Write RESULTS (one or more results.json) as report.html, report.md, report.csv and report.json."""
    from ..report.results import load_results
    from ..report.write import write_report

    files = write_report([load_results(path) for path in results], output)
    names = [str(path) for path in files]
    print_result(names, as_json=as_json, text="\n".join(names))
