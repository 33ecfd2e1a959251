"""`python -m benchmarks.quantizers`: all three tables, or some with --only. Tables on stdout, progress on stderr."""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
from pathlib import Path

from ..contestants import ROADS
from ..environments import python_of
from ..machine import describe
from ..measured import RoadFailed, Run, run_road
from .judge import read_verdict
from .page import page
from .results import Judged, QuantizerResults
from .rows import FLOAT, PER_TENSOR, QUANTIZERS, Row, by_photos, left_out

REPOSITORY = Path(__file__).resolve().parents[2]
TABLES = ("quantizers", "photos", "per-tensor")


def main() -> int:
    arguments = _arguments()
    if not (arguments.photos / "calibration").is_dir():
        print(f"{arguments.photos}: no folder calibration/ there; set SEPIA_PHOTOS or --photos", file=sys.stderr)
        return 1
    bench = Bench(arguments)
    bench.prepare()
    if "quantizers" in arguments.only:
        bench.quantizers()
    if "photos" in arguments.only:
        bench.by_photos()
    if "per-tensor" in arguments.only:
        bench.per_tensor()
    text = page(bench.results)
    (bench.out / "quantizers.md").write_text(text, encoding="utf-8")
    print(text)
    return 1 if arguments.strict and bench.results.failures else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.quantizers", description=__doc__)
    beside = REPOSITORY.parent / "shared" / "imagenet"
    parser.add_argument(
        "--photos",
        type=Path,
        default=Path(os.environ.get("SEPIA_PHOTOS", beside)),
        help="folder with calibration/ and validation/ (default: $SEPIA_PHOTOS, else ../shared/imagenet)",
    )
    build = REPOSITORY / "build"
    parser.add_argument("-o", "--out", type=Path, default=build / "quantizers", help="default: build/quantizers")
    parser.add_argument("--peers", type=Path, default=build / "peers", help="environments; default: build/peers")
    parser.add_argument("--rounds", type=int, default=1, help="runs of each row of the first table (default: 1)")
    parser.add_argument("--only", nargs="+", choices=TABLES, default=TABLES, help="default: all tables")
    parser.add_argument(
        "--rows", nargs="+", default=[], metavar="BEGINNING", help="only rows whose name begins so, as nncf or sepia-m"
    )
    parser.add_argument("--strict", action="store_true", help="exit with 1 where a road failed")
    return parser.parse_args()


class Bench:
    """One run: where things lie, and what was found so far."""

    def __init__(self, arguments: argparse.Namespace) -> None:
        self.source: Path = arguments.photos.resolve()
        self.out: Path = arguments.out.resolve()
        self.peers: Path = arguments.peers
        self.rounds: int = arguments.rounds
        self.wanted: tuple[str, ...] = tuple(arguments.rows)
        self.photos = self.out / "photos"
        self.reference = self.out / FLOAT.name / "model.onnx"
        count = sum(1 for _ in (self.source / "calibration").iterdir())
        command = " ".join(["python -m benchmarks.quantizers", *sys.argv[1:]])
        self.results = QuantizerResults(command, describe(), count, left_out=left_out())

    def prepare(self) -> None:
        _tell("preparing the photos and the float network")
        _python("benchmarks.photos", self.source, self.photos)
        (self.photos / "float-logits.npy").unlink(missing_ok=True)
        self._run(FLOAT)

    def quantizers(self) -> None:
        rows = [row for row in QUANTIZERS if row is FLOAT or self._asked(row)]
        runs: dict[str, list[Run]] = {}
        for number in range(self.rounds):
            # Each round begins with another one, so that nobody always follows the same neighbour.
            shift = number % len(rows)
            for row in rows[shift:] + rows[:shift]:
                if run := self._tried(row):
                    runs.setdefault(row.name, []).append(run)
        for row in rows:
            if row.name in runs:
                self.results.quantizers[row.name] = self._judged(row, tuple(runs[row.name]))
                self._keep()

    def by_photos(self) -> None:
        for recipe, rows in by_photos():
            for row in filter(self._asked, rows):
                if run := self._tried(row, self.reference):
                    self.results.by_photos.setdefault(recipe, {})[row.title] = self._judged(row, (run,))
                    self._keep()

    def per_tensor(self) -> None:
        for row in filter(self._asked, PER_TENSOR):
            if row.name in self.results.quantizers:
                self.results.per_tensor[row.name] = self.results.quantizers[row.name]
            elif run := self._tried(row):
                self.results.per_tensor[row.name] = self._judged(row, (run,))
            self._keep()

    def _asked(self, row: Row) -> bool:
        return not self.wanted or row.name.startswith(self.wanted)

    def _tried(self, row: Row, float_onnx: Path | None = None) -> Run | None:
        if row.name in self.results.failures:
            return None
        try:
            return self._run(row, float_onnx)
        except RoadFailed as failure:
            self.results.failures[row.name] = str(failure)
            _tell(str(failure))
            return None

    def _run(self, row: Row, float_onnx: Path | None = None) -> Run:
        place = self.out / row.name
        shutil.rmtree(place, ignore_errors=True)
        arguments = row.arguments(self.photos / "calibration.npy", place, float_onnx)
        run = run_road(python_of(row.environment, self.peers), ROADS / row.script, arguments, place)
        _tell(f"{row.name}: {run.wall_seconds:.1f} s, {run.peak_rss_bytes >> 20} MiB")
        return run

    def _judged(self, row: Row, runs: tuple[Run, ...]) -> Judged:
        path = self.reference if row is FLOAT else self.out / row.name / f"model.int8{row.suffix}"
        told = _python("benchmarks.quantizers.judge", self.photos, self.reference, row.runtime, path)
        judged = Judged(row.title, row.quantising, runs, read_verdict(told))
        figures = judged.verdict.figures
        _tell(f"{row.name}: agreement {figures.agreement:.4f}, rms {figures.rms:.4f}")
        return judged

    def _keep(self) -> None:
        self.results.write(self.out / "quantizers.json")


def _tell(words: str) -> None:
    print(words, file=sys.stderr, flush=True)


def _python(module: str, *arguments: object) -> str:
    """Run one of our modules in a process of its own, so that this one stays small (see measured.py)."""
    command = [sys.executable, "-m", module, *map(str, arguments)]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, cwd=REPOSITORY).stdout


if __name__ == "__main__":
    sys.exit(main())
