"""`sepia compare OLD NEW [--budget FILE]`."""

from __future__ import annotations

from pathlib import Path

import click

from .output import json_option, print_result

__all__ = ["command"]


@click.command("compare")
@click.argument("old", type=click.Path(path_type=Path))
@click.argument("new", type=click.Path(path_type=Path))
@click.option("--budget", type=click.Path(path_type=Path), help="TOML file of limits; exit code 1 where one is broken.")
@json_option
def command(old: Path, new: Path, budget: Path | None, as_json: bool) -> None:
    """Compare two results.json row by row. Exit code 1 where a budget is broken."""
    from ..report.budget import breaches, load_budgets
    from ..report.compare import compare, comparison_text
    from ..report.results import load_results

    budgets = load_budgets(budget) if budget is not None else ()
    before, after = load_results(old), load_results(new)
    comparison = compare(before, after)
    broken = [str(breach) for breach in breaches(budgets, after, before)]
    text = "\n".join([comparison_text(comparison), *(f"budget broken: {line}" for line in broken)])
    print_result(comparison.to_dict() | {"broken_budgets": broken}, as_json=as_json, text=text)
    if broken:
        raise click.exceptions.Exit(1)
