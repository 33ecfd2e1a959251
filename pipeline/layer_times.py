"""How long each layer of a float ONNX file takes in ONNX Runtime on this machine, by the names of the file's nodes."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import onnx_ir as ir

__all__ = ["LayerTimes", "kernels_of", "layer_times"]


@dataclass(frozen=True)
class LayerTimes:
    """p50_ms: of one inference. kernels: name in the profile → µs. of_node: node of the file → its kernel."""

    p50_ms: float
    kernels: Mapping[str, float]
    of_node: Mapping[str, str]

    def of(self, layer: str) -> float | None:
        """µs of the node `layer`, or of all that stand in its place (`layer.…`); None where the profile has none."""
        nodes = [name for name in self.of_node if name == layer or name.startswith(f"{layer}.")]
        kernels = dict.fromkeys(self.of_node[name] for name in nodes)
        return sum(self.kernels[name] for name in kernels) if kernels else None


def layer_times(onnx: Path, seconds: float) -> LayerTimes:
    """Measure on one thread for about so many seconds. Raises RunError."""
    from ..devices.local import bench
    from ..graph.load import load_graph

    said = bench(onnx, "onnxruntime", 1, seconds=seconds)
    kernels = {str(row["name"]): float(row["p50_us"]) for row in said["layers"]}
    return LayerTimes(float(said["latency"]["p50_ms"]), kernels, kernels_of(load_graph(onnx).graph, kernels))


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
