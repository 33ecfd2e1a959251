"""The page of a made-up run, whole, and its results as JSON."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

from benchmarks.measured import Run
from benchmarks.quantizers.figures import Figures
from benchmarks.quantizers.judge import Verdict, read_verdict
from benchmarks.quantizers.page import page
from benchmarks.quantizers.results import Judged, QuantizerResults
from benchmarks.quantizers.worst_layer import WorstLayer

MIB = 2**20

PAGE = """\
| machine |  |
| --- | --- |
| processor | P |

## Quantisers

`python -m benchmarks.quantizers`

Lite0 with its real weights, torch to one int8 file (Sepia's roads make two more), calibrated on 200 photos but where \
a row says otherwise; one process each, in turn, 2 rounds, medians and the largest peak RSS. Top-1, agreement and rms \
error of the logits against the float network on 200 other photos and their mirror images, 400 views; intervals: \
Wilson's of agreement (as if views were independent), bootstrap over photos of rms. Worst layer: least SQNR of a \
layer's output against float's, all errors before it included, on 32 photos. Load average before the runs: 0.10–0.10.

| quantiser | top-1 | agreement | 95 % | rms | 95 % | worst layer dB | quantise s | whole s | peak MiB | file MiB |
| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |
| float | 0.8425 | 1.0000 | 0.990–1.000 | 0.0000 | 0.0000–0.0000 | – | 0.0 | 5.0 | 900 | 17.8 |
| Sepia: `best` | 0.8400 | 0.9875 | 0.971–0.995 | 0.0543 | 0.0512–0.0581 | 21.3 (layer 7 of 50) | 4.0 | 6.0 \
| 900 | 5.0 |
| Tool | 0.8400 | 0.9875 | 0.971–0.995 | 0.0543 | 0.0512–0.0581 | – | 3.0 | 5.0 | 900 | 5.0 |

Tool: no worst layer: its layers are other ones.

## By photos

`python -m benchmarks.quantizers`

Sepia's recipes from the float ONNX file, by what they were calibrated on: so many photos, evenly over all, or those \
in scikit-image's wheel.

| recipe | photos | top-1 | agreement | 95 % | rms | 95 % | quantise s | peak MiB |
| --- | --- | --- | --- | --- | --- | --- | --- | --- |
| `best` | 16 | 0.8400 | 0.9875 | 0.971–0.995 | 0.0543 | 0.0512–0.0581 | 3.0 | 900 |

## Weights per tensor

`python -m benchmarks.quantizers`

One scale of weights a layer, for runtimes that have nothing else; the rest as in the first table.

| quantiser | top-1 | agreement | 95 % | rms | 95 % | worst layer dB | quantise s | file MiB |
| --- | --- | --- | --- | --- | --- | --- | --- | --- |
| Tool, whole | 0.8400 | 0.9875 | 0.971–0.995 | 0.0543 | 0.0512–0.0581 | 21.3 (layer 7 of 50) | 3.0 | 5.0 |

Left out, with no environment pinned: Olive.

## Versions

| road | packages |
| --- | --- |
| float | torch 2 |
| sepia | torch 2 |
| tool | torch 2 |

## What failed

| what | reason |
| --- | --- |
| nncf-mixed | `no wheel` |
"""

LAYER = WorstLayer(21.34, "dw", 6, 50)


def made_up_run(done: float) -> Run:
    steps = {"imported": 2.0, "float": 1.0, "done": done, "after": 4.0}
    return Run(2.0 + done, 2.0, 7.0, 900 * MIB, steps, {}, {"torch": "2"}, 0.1)


def made_up(title: str, *done: float, layer: WorstLayer | None = LAYER, why: str = "") -> Judged:
    figures = Figures(400, 0.84, 0.9875, (0.9711, 0.9947), 0.0543, (0.0512, 0.0581))
    runs = tuple(made_up_run(seconds) for seconds in done or (3.0,))
    return Judged(title, ("done",), runs, Verdict(figures, layer, why, 5 * MIB))


def made_up_results() -> QuantizerResults:
    exact = Figures(400, 0.8425, 1.0, (0.9904, 1.0), 0.0, (0.0, 0.0))
    whole = Judged("float", (), (made_up_run(3.0),), Verdict(exact, None, "float", 18_700_000))
    return QuantizerResults(
        "python -m benchmarks.quantizers",
        {"processor": "P"},
        200,
        quantizers={
            "float": whole,
            "sepia-best": made_up("Sepia: `best`", 3.0, 5.0),
            "tool": made_up("Tool", layer=None, why="its layers are other ones"),
        },
        by_photos={"best": {"16": made_up("16")}},
        per_tensor={"tool-whole": made_up("Tool, whole")},
        failures={"nncf-mixed": "road ended with 1:\nno wheel"},
        left_out=("Olive",),
    )


def test_the_page_of_a_run() -> None:
    found = page(made_up_results())
    assert found == PAGE


def test_results_are_kept_as_json(tmp_path: Path) -> None:
    made_up_results().write(tmp_path / "quantizers.json")
    kept = json.loads((tmp_path / "quantizers.json").read_text(encoding="utf-8"))
    assert kept["quantizers"]["sepia-best"]["verdict"]["layer"]["name"] == "dw"
    assert kept["by_photos"]["best"]["16"]["runs"][0]["steps"]["done"] == 3.0


def test_a_verdict_is_read_as_it_was_told() -> None:
    for judged in (made_up("a"), made_up("b", layer=None, why="so")):
        assert read_verdict("a library's words\n" + json.dumps(asdict(judged.verdict))) == judged.verdict
