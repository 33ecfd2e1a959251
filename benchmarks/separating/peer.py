"""TensorLy's factors as layers: what a Tucker and a CP decomposition become, at no more MACs than asked for."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping
from math import prod
from pathlib import Path

import numpy as np
from sepia.models.separate.convolution import Convolution, Weights
from sepia.models.separate.factored import Factored, stage

from ..contestants import ROADS

__all__ = ["cp_macs", "cp_rank", "decomposed", "tucker_macs", "tucker_ranks"]


def tucker_macs(layer: Convolution, out: int, into: int) -> int:
    """r_in·C_in·P_in + r_out·r_in·k·P_out + C_out·r_out·P_out."""
    after = (out * into * layer.taps + layer.channels_out * out) * layer.positions_out
    return into * layer.channels_in * layer.positions_in + after


def tucker_ranks(layer: Convolution, macs: int) -> tuple[int, int] | None:
    """(out, in): about the same share of both, the largest that keeps to `macs`; None where not even (1, 1) does."""
    found = None
    for tenths in range(1, 1001):
        ranks = (max(1, layer.channels_out * tenths // 1000), max(1, layer.channels_in * tenths // 1000))
        if tucker_macs(layer, *ranks) <= macs:
            found = ranks
    return found


def cp_macs(layer: Convolution, rank: int) -> int:
    """R·(C_in·P_in + k_h·P_mid + k_w·P_out + C_out·P_out)."""
    middle = layer.size_out[0] * layer.size_in[1]
    first = layer.channels_in * layer.positions_in + layer.kernel[0] * middle
    return rank * (first + (layer.kernel[1] + layer.channels_out) * layer.positions_out)


def cp_rank(layer: Convolution, macs: int) -> int | None:
    """The largest that keeps to `macs`."""
    return (macs // cp_macs(layer, 1)) or None


def decomposed(
    layers: Mapping[str, Convolution], macs: Mapping[str, int], python: Path, place: Path
) -> dict[str, dict[str, Factored]]:
    """ "tucker" and "cp" → layer → what stands in its place, those left out for which no rank is small enough.

    macs: of each layer, at most. python: of the environment that has TensorLy.
    """
    place.mkdir(parents=True, exist_ok=True)
    np.savez(place / "layers.npz", **{name: layers[name].weight for name in macs})
    asked = {
        name: {"tucker": tucker_ranks(layers[name], most), "cp": cp_rank(layers[name], most)}
        for name, most in macs.items()
    }
    (place / "asked.json").write_text(json.dumps(asked), encoding="utf-8")
    script = ROADS / "tensorly_road.py"
    subprocess.run([python, script, place / "layers.npz", place / "asked.json", place / "out.npz"], check=True)
    found: dict[str, dict[str, Factored]] = {"tucker": {}, "cp": {}}
    with np.load(place / "out.npz") as factors:
        for name in macs:
            if asked[name]["tucker"]:
                parts = [factors[f"{name}/tucker/{index}"] for index in range(3)]
                found["tucker"][name] = _tucker(layers[name], *parts)
            if asked[name]["cp"]:
                parts = [factors[f"{name}/cp/{index}"] for index in range(4)]
                found["cp"][name] = _cp(layers[name], *parts)
    return found


def _tucker(layer: Convolution, reduce: Weights, core: Weights, expand: Weights) -> Factored:
    weight = np.einsum("op,pqab,qi->oiab", expand, core, reduce).reshape(layer.channels_out, layer.channels_in, -1)
    first = stage("reduce", layer, reduce[:, :, None, None], layer.size_in, along=(False, False))
    second = stage("core", layer, core, first.size_out, along=(True, True))
    third = stage("expand", layer, expand[:, :, None, None], second.size_out, along=(False, False))
    return Factored("Tucker", prod(core.shape[:2]), ((first, second, third),), layer.bias, weight)


def _cp(layer: Convolution, inputs: Weights, rows: Weights, columns: Weights, outputs: Weights) -> Factored:
    weight = np.einsum("or,ra,rb,ri->oiab", outputs, rows, columns, inputs)
    rank = len(inputs)
    first = stage("reduce", layer, inputs[:, :, None, None], layer.size_in, along=(False, False))
    second = stage("down", layer, rows[:, None, :, None], first.size_out, along=(True, False), groups=rank)
    third = stage("across", layer, columns[:, None, None, :], second.size_out, along=(False, True), groups=rank)
    fourth = stage("expand", layer, outputs[:, :, None, None], third.size_out, along=(False, False))
    branch = (first, second, third, fourth)
    return Factored("CP", rank, (branch,), layer.bias, weight.reshape(layer.channels_out, layer.channels_in, -1))
