"""One runtime in a process of its own, for graphs on which it is known to end its process."""

from __future__ import annotations

import multiprocessing
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

from .draft import Drawn
from .engines import Outcome, run_engines

__all__ = ["run_apart"]


def run_apart(drawn: Drawn, folder: Path, engine: str) -> Outcome:
    """As `run_engines` on `engine` alone; a process that ends is a failure."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        try:
            return pool.submit(run_engines, drawn, folder, (engine,)).result()[engine]
        except BrokenProcessPool:
            return Outcome(failure="ends its process")
