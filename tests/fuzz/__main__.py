"""`python -m tests.fuzz`: draw, run, compare, count, shrink."""

from __future__ import annotations

import argparse
import signal
import sys
import tempfile
import time
from pathlib import Path

from .numbered import draw_graph
from .page import page
from .record import Summary, forget_findings, summary
from .run import run
from .smallest import smallest
from .verdict import judged


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--graphs", type=int, default=1000, help="how many (default: 1000)")
    parser.add_argument("--seed", type=int, default=1, help="default: 1")
    parser.add_argument("--workers", type=int, default=2, help="processes (default: 2)")
    parser.add_argument("--folder", type=Path, help="record, to go on from (default: build/fuzz/seed-SEED)")
    parser.add_argument("--shrink", type=int, default=0, metavar="N", help="shrink up to N findings of each kind")
    parser.add_argument("--again", action="store_true", help="first judge anew the graphs that showed a finding")
    parser.add_argument("--show", type=int, metavar="NUMBER", help="print one graph and what is told of it, and stop")
    options = parser.parse_args()
    if options.show is not None:
        return _show(options.seed, options.show)
    folder = options.folder or Path("build/fuzz") / f"seed-{options.seed}"
    if options.again:
        print(f"again: {len(forget_findings(folder))} graphs", file=sys.stderr)
    started = time.monotonic()

    def progress(count: int) -> None:
        passed = time.monotonic() - started
        print(f"\r{count} of {options.graphs} graphs, {passed:.0f} s", end="", file=sys.stderr, flush=True)

    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the processes of the chunks end, too
    run(options.seed, options.graphs, options.workers, folder, progress=progress)
    print(file=sys.stderr)
    found = summary(folder, options.graphs)
    print(page(found, options.seed))
    _shrink(found, options.seed, options.shrink)
    return 1 if found.findings else 0


def _show(seed: int, number: int) -> int:
    drawn = draw_graph(seed, number)
    print(drawn)
    with tempfile.TemporaryDirectory() as folder:
        for told in judged(drawn, Path(folder)).told:
            print(told)
    return 0


def _shrink(found: Summary, seed: int, most: int) -> None:
    for (engine, kind), numbers in found.findings.items():
        if engine in ("a runtime", "the fuzzer"):
            continue  # a crash would take this process with it
        for number in numbers[:most]:
            with tempfile.TemporaryDirectory() as folder:
                small, told = smallest(seed, number, engine, kind, Path(folder))
            print(f"\n{engine}: {kind}\ngraph {number} shrunk: {told}\n{small}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
