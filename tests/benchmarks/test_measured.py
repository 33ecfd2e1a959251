"""A road's own marks against the driver's clock, and a process measured from outside."""

from __future__ import annotations

import resource
import sys
from pathlib import Path

import pytest

from benchmarks.contestants import ROADS
from benchmarks.measured import RoadFailed, read_run, run_road

ROAD = f"""
import sys
sys.path.insert(0, {str(ROADS)!r})
from pathlib import Path
from stopwatch import Stopwatch
watch = Stopwatch()
watch.mark("started")
watch.mark("imported")
held = b"x" * int(sys.argv[1])
watch.mark("done")
watch.write(Path(__file__).parent, files={{".onnx": Path("model.int8.onnx")}}, packages=["numpy"])
"""


def test_steps_are_named_by_the_later_mark_and_import_counts_from_the_start_of_the_process() -> None:
    told: dict[str, dict[str, object]] = {
        "marks": {"started": 10.5, "imported": 12.0, "float": 15.0, "done": 19.0},
        "files": {".onnx": "a.onnx"},
        "versions": {"torch": "2"},
    }
    usage = resource.struct_rusage((3.0, 0.5, 7, *[0] * 13))  # user and system in seconds, peak in KiB
    run = read_run(told, began=10.0, ended=20.0, usage=usage, load_average=0.0)
    assert run.steps == {"imported": 1.5, "float": 3.0, "done": 4.0}
    assert (run.wall_seconds, run.import_seconds, run.work_seconds) == (10.0, 2.0, 8.0)
    assert (run.cpu_seconds, run.peak_rss_bytes) == (3.5, 7 * 1024)
    assert (run.files, run.versions) == ({".onnx": "a.onnx"}, {"torch": "2"})


def test_a_peak_is_the_childs_own(tmp_path: Path) -> None:
    script = tmp_path / "road.py"
    script.write_text(ROAD, encoding="utf-8")
    small = run_road(Path(sys.executable), script, ["1"], tmp_path)
    held = 400 * 2**20
    large = run_road(Path(sys.executable), script, [str(held)], tmp_path)
    # pytest's own process may be the floor of the small one's peak (see run_road); the large one stands above it.
    assert large.peak_rss_bytes > held
    assert large.peak_rss_bytes > small.peak_rss_bytes
    assert small.files == {".onnx": "model.int8.onnx"}


def test_a_failed_road_says_why(tmp_path: Path) -> None:
    script = tmp_path / "road.py"
    script.write_text("raise SystemExit('no such op: Frobnicate')", encoding="utf-8")
    with pytest.raises(RoadFailed, match=r"road\.py ended with 1:\nno such op: Frobnicate"):
        run_road(Path(sys.executable), script, [], tmp_path)
