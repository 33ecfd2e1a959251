"""`python -m benchmarks`: all of it, or parts with --only. Tables on stdout, progress on stderr."""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

from .contestants import CONTESTANTS, OURS, Contestant
from .environments import python_of
from .goals import missed
from .machine import describe
from .measured import RoadFailed, run_road
from .memory import CASES, measure_growth
from .photos import link_photos
from .ratios import Ratio
from .results import Pair, Results
from .tables import markdown

REPOSITORY = Path(__file__).resolve().parents[1]


def main() -> int:
    arguments = _arguments()
    if not (arguments.photos / "calibration").is_dir():
        print(f"{arguments.photos}: no folder calibration/ there; set SEPIA_PHOTOS or --photos", file=sys.stderr)
        return 1
    out = arguments.out.resolve()
    photos = out / "photos"
    _tell("preparing the photos")
    _python("benchmarks.photos", arguments.photos.resolve(), photos)
    command = " ".join(["python -m benchmarks", *sys.argv[1:]])
    count = sum(1 for _ in (arguments.photos / "calibration").iterdir())
    results = Results(command, describe(), count)
    for part, measure in PARTS.items():
        if part in arguments.only:
            measure(results, arguments, out, photos)
            results.write(out / "results.json")
    page = markdown(results)
    (out / "benchmarks.md").write_text(page, encoding="utf-8")
    print(page)
    goals = missed(results)
    for goal in goals:
        _tell(f"missed: {goal}")
    return 1 if arguments.strict and (goals or results.failures) else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    beside = REPOSITORY.parent / "shared" / "imagenet"
    parser.add_argument(
        "--photos",
        type=Path,
        default=Path(os.environ.get("SEPIA_PHOTOS", beside)),
        help="folder with calibration/ and validation/ (default: $SEPIA_PHOTOS, else ../shared/imagenet)",
    )
    build = REPOSITORY / "build"
    parser.add_argument("-o", "--out", type=Path, default=build / "benchmarks", help="default: build/benchmarks")
    parser.add_argument("--peers", type=Path, default=build / "peers", help="environments; default: build/peers")
    parser.add_argument("--rounds", type=int, default=3, help="runs of each road (default: %(default)s)")
    parser.add_argument("--seconds", type=float, default=20, help="of each latency pair (default: %(default)s)")
    parser.add_argument(
        "--only",
        nargs="+",
        choices=list(PARTS),
        default=list(PARTS),
        help="default: all; the later need files of roads",
    )
    parser.add_argument("--strict", action="store_true", help="exit with 1 where a goal is missed or a road failed")
    return parser.parse_args()


def _tell(words: str) -> None:
    print(words, file=sys.stderr, flush=True)


def _python(module: str, *arguments: object) -> str:
    """Run one of our modules in a process of its own, so that this one stays small (see measured.py)."""
    command = [sys.executable, "-m", module, *map(str, arguments)]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, cwd=REPOSITORY).stdout


def _roads(results: Results, arguments: argparse.Namespace, out: Path, photos: Path) -> None:
    pythons = {contestant.name: python_of(contestant.environment, arguments.peers) for contestant in CONTESTANTS}
    for number in range(arguments.rounds):
        # Each round begins with another one, so that nobody always follows the same neighbour.
        shift = number % len(CONTESTANTS)
        for contestant in CONTESTANTS[shift:] + CONTESTANTS[:shift]:
            if contestant.name not in results.failures:
                _road(results, contestant, pythons[contestant.name], out, photos)
    _fidelity(results, out, photos)


def _road(results: Results, contestant: Contestant, python: Path, out: Path, photos: Path) -> None:
    place = out / contestant.name
    shutil.rmtree(place, ignore_errors=True)
    try:
        run = run_road(python, contestant.script, contestant.arguments(photos / "calibration.npy", place), place)
    except RoadFailed as failure:
        results.failures[contestant.name] = str(failure)
        _tell(str(failure))
        return
    results.roads.setdefault(contestant.name, []).append(run)
    _tell(f"{contestant.name}: {run.wall_seconds:.1f} s, {run.peak_rss_bytes >> 20} MiB")


def _fidelity(results: Results, out: Path, photos: Path) -> None:
    files = {
        out / contestant.name / f"model.int8{suffix}": (contestant.name, suffix, runtime)
        for contestant in CONTESTANTS
        for suffix, runtime in contestant.runtimes.items()
    }
    there = {path: told for path, told in files.items() if path.is_file()}
    _tell(f"outputs of {len(there)} files on the validation photos")
    reference = out / OURS.name / "model.onnx"
    if not reference.is_file():
        return
    pairs = [f"{runtime}={path}" for path, (_, _, runtime) in there.items()]
    figures = json.loads(_python("benchmarks.fidelity", photos, reference, *pairs).splitlines()[-1])
    results.fidelity["float"] = {".onnx": figures[str(reference)]}
    for path, (name, suffix, _) in there.items():
        results.fidelity.setdefault(name, {})[suffix] = figures[str(path)]


def _latency(results: Results, arguments: argparse.Namespace, out: Path, photos: Path) -> None:
    for contestant in CONTESTANTS[1:]:
        for suffix, runtime in contestant.runtimes.items():
            ours, theirs = (out / name / f"model.int8{suffix}" for name in (OURS.name, contestant.name))
            if not (ours.is_file() and theirs.is_file()):
                continue
            load = os.getloadavg()[0]
            told = _python("benchmarks.latency", photos, runtime, ours, theirs, arguments.seconds)
            ratio = Ratio(**json.loads(told.splitlines()[-1]))
            results.latency.append(Pair(runtime, contestant.name, ratio, load))
            _tell(f"{runtime}, {contestant.name}: {ratio.value:.3f}")


def _memory(results: Results, arguments: argparse.Namespace, out: Path, photos: Path) -> None:
    folder = out / "photos-all"
    link_photos(arguments.photos, folder)
    float_onnx = out / OURS.name / "model.onnx"
    for case in CASES:
        try:
            growth = measure_growth(
                case, float_onnx=float_onnx, photos=photos, folder=folder, root=arguments.peers, out=out / "memory"
            )
        except RoadFailed as failure:
            results.failures[case.name] = str(failure)
            _tell(str(failure))
            continue
        results.memory.append(growth)
        _tell(f"{case.name}: {growth.ratio:.2f}")


PARTS = {"roads": _roads, "latency": _latency, "memory": _memory}
"""In this order: the later ones use the files of roads."""


if __name__ == "__main__":
    sys.exit(main())
