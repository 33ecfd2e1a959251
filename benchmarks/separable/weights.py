"""What int8 makes of a trained network's weights, by kind of layer: one scale a layer against one a channel."""

from __future__ import annotations

from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sepia.export.torch_to_onnx import torch_to_onnx
from sepia.graph.edit import constant_of
from sepia.graph.kinds import kind_of
from sepia.graph.load import load_graph
from sepia.graph.passes import canonicalize
from sepia.models import load_source

__all__ = ["NETWORK", "facts_of", "rounded", "weight_facts"]

NETWORK = "efficientnet-lite0"


def weight_facts(folder: Path) -> dict[str, dict[str, float]]:
    """Kind → medians over its layers, normalisations folded. folder: for the network."""
    loaded = load_source(NETWORK, folder)
    if loaded.program is None:
        raise ValueError("the zoo has programs")
    torch_to_onnx(loaded.program, folder / "lite0.onnx", metadata={})
    return facts_of(folder / "lite0.onnx")


def facts_of(onnx: Path) -> dict[str, dict[str, float]]:
    """Of one file."""
    found: dict[str, list[dict[str, float]]] = {}
    for node in canonicalize(load_graph(onnx)).graph:
        if kind_of(node) in ("depthwise", "pointwise"):
            weight = constant_of(node.inputs[1])
            if weight is not None:
                found.setdefault(str(kind_of(node)), []).append(_facts(weight))
    return {
        kind: {"layers": len(rows)} | {key: round(median(row[key] for row in rows), 1) for key in rows[0]}
        for kind, rows in found.items()
    }


def _facts(weight: NDArray[Any]) -> dict[str, float]:
    """weight: [C_out, …]. ranges: the widest channel's over one that a tenth of them are narrower than."""
    widest = np.abs(weight).reshape(len(weight), -1).max(axis=1)
    return {
        "ranges": float(widest.max() / np.quantile(widest, 0.1)),
        "per_tensor_db": _worst_decile_db(weight, rounded(weight, float(widest.max()))),
        "per_channel_db": _worst_decile_db(weight, rounded(weight, widest.reshape(-1, *[1] * (weight.ndim - 1)))),
    }


def rounded(weight: NDArray[Any], greatest: NDArray[Any] | float) -> NDArray[np.float64]:
    """The nearest of 255 steps from −greatest to greatest."""
    step = np.where(np.asarray(greatest) > 0, greatest, 1.0) / 127.0
    nearest: NDArray[np.float64] = np.round(weight.astype(np.float64) / step) * step
    return nearest


def _worst_decile_db(weight: NDArray[Any], nearest: NDArray[np.float64]) -> float:
    """Signal over noise that a tenth of the channels does not reach."""
    axes = tuple(range(1, weight.ndim))
    signal = np.square(weight.astype(np.float64)).sum(axes)
    noise = np.square(weight - nearest).sum(axes)
    live = (signal > 0) & (noise > 0)
    return float(np.quantile(10 * np.log10(signal[live] / noise[live]), 0.1))
