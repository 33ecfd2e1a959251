"""How long each layer of a float ONNX file takes in ONNX Runtime, here or on a board, by the file's names of nodes."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from shutil import copyfile
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from ..check.model_folder import ModelFolder
from ..devices.place import Place, parse_place
from ..errors import ConfigError, RunError
from .bench_boards import bench_boards
from .bench_settings import BenchSettings
from .progress import Report

if TYPE_CHECKING:
    import onnx_ir as ir

__all__ = ["LayerTimes", "kernels_of", "layer_times", "place_of_layers"]

_RUNTIME = "onnxruntime"
"""It runs the network that was written, layer by layer under its nodes' names."""


@dataclass(frozen=True)
class LayerTimes:
    """p50_ms: of one inference; None on an emulated core, which has instructions instead, of the whole.

    kernels: name in the profile → µs. of_node: node of the file → its kernel.
    """

    p50_ms: float | None
    instructions: int | None
    kernels: Mapping[str, float]
    of_node: Mapping[str, str]

    def of(self, layer: str) -> float | None:
        """µs of the node `layer`, or of all that stand in its place (`layer.…`); None where the profile has none."""
        nodes = [name for name in self.of_node if name == layer or name.startswith(f"{layer}.")]
        kernels = dict.fromkeys(self.of_node[name] for name in nodes)
        return sum(self.kernels[name] for name in kernels) if kernels else None


def place_of_layers(target: str) -> Place:
    """Where `target` is, for one thread of ONNX Runtime. Raises ConfigError."""
    place = parse_place(target)
    if place.runtime not in (None, _RUNTIME) or place.threads not in (None, 1):
        raise ConfigError(
            "--target", f"{target}: layers are measured on one thread of ONNX Runtime", accepted=place.label
        )
    return replace(place, runtime=_RUNTIME, threads=1)


def layer_times(onnx: Path, place: Place, seconds: float, *, samples: Path | None, progress: Report) -> LayerTimes:
    """Measure on one thread for about so many seconds.

    samples: to compare a board's outputs with this machine's. Raises RunError; with its first cause where a board is
    lost or has no such runtime.
    """
    from ..devices.local import bench
    from ..graph.load import load_graph

    here = place.kind == "host"
    said = bench(onnx, _RUNTIME, 1, seconds=seconds) if here else _there(onnx, place, seconds, samples, progress)
    latency = said.get("latency") or {}
    kernels = {str(row["name"]): float(row["p50_us"]) for row in said["layers"]}
    of_node = kernels_of(load_graph(onnx).graph, kernels)
    return LayerTimes(latency.get("p50_ms"), said.get("instructions"), kernels, of_node)


def _there(onnx: Path, place: Place, seconds: float, samples: Path | None, progress: Report) -> dict[str, Any]:
    """What `bench.py` says on the board; of an emulated core with all instructions of an inference."""
    from ..check.golden import write_goldens
    from ..check.model_facts import model_facts
    from ..check.sample_inputs import sample_inputs

    with TemporaryDirectory(prefix="sepia-") as scratch:
        folder = ModelFolder(Path(scratch))
        copyfile(onnx, folder.artifact("onnx", "float").path)
        artifacts = tuple(folder.artifacts())
        write_goldens(artifacts, sample_inputs(samples, model_facts(onnx), limit=4), folder.golden)
        (done,) = bench_boards(folder, artifacts, [place], BenchSettings((1,), seconds), progress)
    row = done.rows[0] if done.rows else {}
    failure = done.device.get("failure") or row.get("failure")
    if failure:
        raise RunError(place.text, str(failure))
    counted = sum(row["instructions"].values()) if "instructions" in row else None
    return {**row["bench"], "instructions": counted}


def kernels_of(graph: ir.Graph, kernels: Collection[str]) -> dict[str, str]:
    """Convolution → kernel. One that was fused goes by the name of the last node of what it was fused with."""
    from ..graph.edit import only_reader

    found: dict[str, str] = {}
    for node in graph:
        at: ir.Node | None = node if node.op_type == "Conv" else None
        while at is not None:
            if at.name in kernels:
                found[str(node.name)] = str(at.name)
                break
            at = only_reader(at.outputs[0])
    return found
