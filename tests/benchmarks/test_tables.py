"""The page of a made-up run, whole, and the goals that it misses."""

from __future__ import annotations

import json
from pathlib import Path

from benchmarks.goals import missed
from benchmarks.measured import Run
from benchmarks.memory import Growth
from benchmarks.ratios import Ratio
from benchmarks.results import Pair, Results
from benchmarks.tables import markdown

MIB = 2**20

PAGE = """\
| machine |  |
| --- | --- |
| processor | P |

## From torch to int8

`python -m benchmarks`

Lite0 with its real weights, torch to int8, calibrated on 200 photos prepared beforehand. One process each, in turn, 2 \
rounds: medians, and the largest peak RSS. Ours makes all three files, each peer its one. Agreement and rms error of \
the logits are against the float network (its top-1: 0.845). Load average before the runs: 0.10–0.10.

| road | file | wall s | less import | CPU s | ours / theirs | peak MiB | agreement | rms | top-1 |
| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |
| Sepia: ONNX + TFLite + IR | onnx | 11.0 | 9.0 | 7.0 | 1.00 | 900 | 0.975 | 0.126 | 0.840 |
|  | tflite |  |  |  |  |  | – | – | – |
|  | xml |  |  |  |  |  | – | – | – |
| OpenVINO + NNCF, preset mixed: IR | xml | 10.0 | 8.0 | 7.0 | 1.10 | 900 | – | – | – |

## Where the time goes

`python -m benchmarks`

Seconds of each step, named by what was there at its end; medians.

| road | steps |
| --- | --- |
| sepia | import 2.0, float 3.0 |
| nncf | import 2.0, float 3.0 |

## Latency of the int8 files

`python -m benchmarks`

Both files in the same runtime and process, 1 thread, interleaved in turns; medians.

| runtime | against | ours ms | theirs ms | ours / theirs | 95 % of resamples | load |
| --- | --- | --- | --- | --- | --- | --- |
| openvino | OpenVINO + NNCF, preset mixed: IR | 5.00 | 4.00 | 1.250 | 1.200–1.300 | 0.20 |

## Memory of calibration

`python -m benchmarks`

Peak RSS of a process that quantises Lite0 from its float ONNX file: few photos against many. Ours reads the photos \
themselves. `quantize_static`'s entropy keeps every activation: 400 photos would not fit here.

| method | few | MiB | many | MiB | many / few | MiB a photo | many: s |
| --- | --- | --- | --- | --- | --- | --- | --- |
| sepia, mse | 16 | 100 | 400 | 150 | 1.50 | 0.13 | 9.0 |

## Versions

| road | packages |
| --- | --- |
| sepia | torch 2 |
| nncf | torch 2 |

## What failed

| what | reason |
| --- | --- |
| litert | `no wheel` |
"""


def made_up_run(wall: float) -> Run:
    return Run(wall, 2.0, 7.0, 900 * MIB, {"float": 3.0}, {}, {"torch": "2"}, 0.1)


def made_up_results() -> Results:
    return Results(
        "python -m benchmarks",
        {"processor": "P"},
        200,
        roads={"sepia": [made_up_run(11.5), made_up_run(10.5)], "nncf": [made_up_run(10.0), made_up_run(10.0)]},
        fidelity={
            "float": {".onnx": {"agreement": 1.0, "rms": 0.0, "top1": 0.845}},
            "sepia": {".onnx": {"agreement": 0.975, "rms": 0.126, "top1": 0.84}},
        },
        latency=[Pair("openvino", "nncf", Ratio(5.0, 4.0, 1.25, 1.2, 1.3), 0.2)],
        memory=[Growth("sepia, mse", 16, 400, 100 * MIB, 150 * MIB, 1.0, 9.0)],
        failures={"litert": "road ended with 1:\nno wheel"},
    )


def test_the_page_of_a_run() -> None:
    assert markdown(made_up_results()) == PAGE


def test_goals_missed_are_named_with_their_figures() -> None:
    assert missed(made_up_results()) == [
        "wall time is 1.10 of nncf's",
        "latency in openvino is 1.250 of nncf's",
        "memory of sepia, mse grows by 1.50 from 16 to 400 photos",
    ]


def test_a_latency_ratio_that_cannot_be_told_from_one_is_not_missed() -> None:
    results = Results("", {}, 0, latency=[Pair("litert", "litert", Ratio(1.0, 1.0, 1.01, 0.99, 1.03), 0.0)])
    assert missed(results) == []


def test_results_are_kept_as_json(tmp_path: Path) -> None:
    made_up_results().write(tmp_path / "results.json")
    kept = json.loads((tmp_path / "results.json").read_text(encoding="utf-8"))
    assert kept["latency"][0]["ratio"]["value"] == 1.25
    assert kept["roads"]["sepia"][0]["wall_seconds"] == 11.5
