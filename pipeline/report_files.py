"""`sepia report`: everything known of a model → `results.json`, and from that the report people read."""

from __future__ import annotations

from ..check.model_folder import ModelFolder
from ..report.results import Results, save_results
from .progress import Report, silent
from .results_of import results_of

__all__ = ["report_files", "write_results"]


def write_results(folder: ModelFolder, *, source: str | None = None) -> Results:
    """Gather what the steps found into `results.json`. source: what the user named the network by."""
    results = results_of(folder, source=source)
    save_results(results, folder.results)
    return results


def report_files(folder: ModelFolder, *, source: str | None = None, progress: Report = silent) -> None:
    """Write `results.json` and `report.html`, `.md`, `.csv`, `.json` into the model's folder."""
    from ..report.write import write_report

    progress(f"{folder.name}: report", 0, 0)
    write_report([write_results(folder, source=source)], folder.path)
