"""What was found out, written down: the results' schema, and everything that people read of it.

One run's results are rows (a file on a runtime of a target, with its figures) and the facts they stand on. Every row
says how its figures were had: measured, emulated or predicted. Unknown is null, and wrong outputs have no accuracy;
the models refuse anything else. From results come a page (`report.html`, one file, offline), Markdown, CSV, JSON and
the terminal's table; two of them are compared, and held to budgets.
"""

from .results import Results, Row, load_results, save_results
from .write import write_report

__all__ = ["Results", "Row", "load_results", "save_results", "write_report"]
