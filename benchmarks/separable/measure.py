"""What a layer costs in MACs and what it takes in time: standard, depthwise, pointwise and separable, float and int8.

Three shapes with the same MACs, C²·P, as in a MobileNetV1 from its first block to its last. A file is a chain of equal
layers, so that what happens at its ends (moves of the layout, Q/DQ) counts little; a figure is the least CPU time of a
layer on one thread, of runs spread over the whole measurement: other programs can only add to it.
"""

from __future__ import annotations

import importlib.metadata
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from math import inf
from pathlib import Path
from typing import Any

import numpy as np
import torch
from sepia.export.torch_to_onnx import torch_to_onnx
from sepia.graph.cost import graph_cost
from sepia.graph.load import load_graph
from sepia.models.layers import ConvNorm, Depthwise, DepthwiseSeparable, Layer, Pointwise, seeded
from sepia.pipeline import ModelFolder
from sepia.pipeline.quantize_files import QuantizeOptions, quantize_files
from sepia.pipeline.translate_files import translate_files
from sepia.runtime import RUNTIMES
from torch import nn

from ..machine import describe

__all__ = ["LAYERS", "RUNS", "SHAPES", "measured"]

SHAPES = ((32, 112), (128, 28), (512, 7))
"""(channels, height and width)."""
CHAIN = 6
RUNS = (("onnxruntime", "float"), ("onnxruntime", "int8"), ("litert", "float"), ("litert", "int8"))
LAYERS: Mapping[str, Callable[[int], Layer]] = {
    "standard": lambda channels: ConvNorm(channels, channels, norm=False, activation=None),
    "separable": lambda channels: DepthwiseSeparable(channels, channels, between=(), after=()),
    "pointwise": lambda channels: Pointwise(channels, channels, norm=False, activation=None),
    "depthwise": lambda channels: Depthwise(channels, norm=False, activation=None),
}
_ROUNDS, _EACH = 16, 3


@dataclass(frozen=True)
class Cell:
    """One shape, layer, runtime and precision. run: one inference of the chain."""

    facts: Mapping[str, Any]
    run: Callable[[], object]


def measured(folder: Path) -> dict[str, Any]:
    """Everything, as JSON has it. folder: for the networks."""
    with ExitStack() as open_sessions:
        cells = list(_cells(folder, open_sessions))
        least = [inf] * len(cells)
        for number in range(_ROUNDS):
            print(f"round {number + 1} of {_ROUNDS}", file=sys.stderr, flush=True)
            for index, cell in enumerate(cells):
                least[index] = min(least[index], _least(cell.run))
    rows = [{**cell.facts, "us": round(1e6 * seconds / CHAIN, 2)} for cell, seconds in zip(cells, least, strict=True)]
    versions = {name: importlib.metadata.version(name) for name in ("onnxruntime", "ai-edge-litert", "torch", "numpy")}
    return {"machine": _machine(), "versions": versions, "chain": CHAIN, "rows": rows}


def _machine() -> dict[str, str]:
    """Without what changes from minute to minute."""
    return {key: value for key, value in describe().items() if key != "load average"}


def _least(run: Callable[[], object]) -> float:
    run()
    taken = []
    for _ in range(_EACH):
        began = time.process_time_ns()
        run()
        taken.append((time.process_time_ns() - began) / 1e9)
    return min(taken)


def _cells(folder: Path, open_sessions: ExitStack) -> Iterator[Cell]:
    for channels, size in SHAPES:
        for name, build in LAYERS.items():
            print(f"{name}, {channels} channels, {size}×{size}", file=sys.stderr, flush=True)
            model = _files(folder / f"{name}-{channels}", channels, size, build)
            costs = graph_cost(load_graph(model.require("onnx", "float")))
            facts = {
                "channels": channels,
                "size": size,
                "layer": name,
                "macs": sum(cost.macs for cost in costs) // CHAIN,
                "bytes": sum(cost.bytes_moved for cost in costs) // CHAIN,
            }
            for runtime, precision in RUNS:
                format_ = "onnx" if runtime == "onnxruntime" else "tflite"
                path = model.require(format_, precision)  # type: ignore[arg-type]
                session = open_sessions.enter_context(RUNTIMES[runtime].open(path, threads=1))
                (asked,) = session.inputs
                rng = np.random.default_rng(0)
                feeds = {asked.name: rng.normal(0, 1, asked.shape).astype(np.float32)}
                yield Cell(
                    facts | {"runtime": runtime, "precision": precision},
                    lambda session=session, feeds=feeds: session.run(feeds),  # type: ignore[misc]
                )


def _files(path: Path, channels: int, size: int, build: Callable[[int], Layer]) -> ModelFolder:
    """Float and int8, ONNX and TFLite."""
    path.mkdir(parents=True, exist_ok=True)
    folder = ModelFolder(path)
    shape = (1, channels, size, size)
    chain = seeded(lambda: nn.Sequential(*(build(channels) for _ in range(CHAIN))), shape=shape)
    with torch.no_grad():
        program = torch.export.export(chain, (torch.zeros(shape),))
    torch_to_onnx(program, folder.artifact("onnx", "float").path, metadata={})
    translate_files(folder, "float", ("onnx", "tflite"))
    samples = np.random.default_rng(1).normal(0, 1, (4, *shape[1:])).astype(np.float32)
    np.save(path / "samples.npy", samples)
    quantize_files(folder, folder, QuantizeOptions("minmax", path / "samples.npy"), formats=("onnx", "tflite"))
    return folder
