"""Every technique alone on networks that the tests train: before and after, in a table (`pytest -s`).

`hard` has hidden channels of 1 : 1000, on purpose, and computes what `relu` does.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sepia.quantize.auto import quantize_auto
from sepia.quantize.quantize import quantize
from sepia.quantize.recipes import RECIPES, Recipe
from support.trained_networks import digits, hard, top1, trained_v2, trained_v3, write
from torch import nn

pytestmark = pytest.mark.slow

NETWORKS: dict[str, Callable[[], nn.Module]] = {
    "relu": partial(trained_v2, nn.ReLU),
    "hard": lambda: hard(trained_v2(nn.ReLU)),
    "v3": trained_v3,
}
TECHNIQUES: dict[str, dict[str, Any]] = {
    "none": {},
    "ranges: mse": {"ranges": "mse"},
    "ranges: percentile": {"ranges": "percentile"},
    "ranges: entropy": {"ranges": "entropy"},
    "weight ranges: mse": {"weight_ranges": "mse"},
    "bias correction": {"bias_correction": "empirical"},
    "bias correction, analytic": {"bias_correction": "analytic"},
    "equalize": {"equalize": True},
    "even streams": {"even_streams": True},
    "absorb bias": {"absorb_bias": True},
    "spare channels": {"spare_channels": True},
    "second moments": {"rounding": "second-moments"},
    "per tensor": {"weights": "per-tensor"},
    "per tensor, equalize": {"weights": "per-tensor", "equalize": True},
}


@dataclass(frozen=True)
class Judged:
    top1: float
    rms: float


@dataclass(frozen=True)
class Network:
    path: Path
    top1: float
    judged: dict[str, Judged]


@pytest.fixture(scope="module", params=NETWORKS)
def network(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Network:
    folder = tmp_path_factory.mktemp(request.param)
    path = write(NETWORKS[request.param](), folder / "float.onnx")
    train, judge = digits()
    right, logits = top1(path, judge)
    judged = {}
    print(f"\n{request.param}: float top-1 {right:.3f}\n  {'technique alone':<27} top-1    rms")
    for name, changes in TECHNIQUES.items():
        recipe = Recipe(**{"name": name, "ranges": "minmax", "bias_correction": "none"} | changes)
        quantize(path, folder / "int8.onnx", train.data(200), recipe)
        share, found = top1(folder / "int8.onnx", judge)
        judged[name] = Judged(share, float(np.sqrt(np.mean((found - logits) ** 2))))
        print(f"  {name:<27} {share:.3f} {judged[name].rms:>6.3f}")
    return Network(path, right, judged)


def test_each_technique_alone(network: Network) -> None:
    """Where min-max and nearest codes do well, no technique costs more than one answer in a hundred, and some help.

    But for entropy: it clips the gates of squeeze-and-excitation, a few hundred values of which are no histogram.
    """
    none = network.judged["none"]
    alone = {name: one for name, one in network.judged.items() if "per tensor" not in name and "entropy" not in name}
    assert network.top1 > 0.9, "the network is not trained"
    if none.top1 > 0.5:
        assert min(one.top1 for one in alone.values()) >= none.top1 - 0.015
    assert network.judged["bias correction"].rms < 1.05 * none.rms
    assert min(one.rms for one in alone.values()) < 0.98 * none.rms


def test_channels_that_differ_a_thousandfold(network: Network) -> None:
    if network.judged["none"].top1 > 0.5:
        assert network.judged["per tensor"].top1 > 0.9
        return
    assert network.judged["equalize"].top1 >= network.top1 - 0.02
    assert network.judged["per tensor, equalize"].top1 >= network.top1 - 0.02
    assert network.judged["equalize"].rms < 0.1 * network.judged["none"].rms
    assert network.judged["second moments"].rms < 0.7 * network.judged["none"].rms


def test_auto_gets_there_by_itself(network: Network, tmp_path: Path) -> None:
    train, judge = digits()
    done = quantize_auto(network.path, tmp_path / "int8.onnx", train.data(200), max_loss=7.0)
    assert done.climb is not None and done.climb.reached, done.climb
    share, _ = top1(tmp_path / "int8.onnx", judge)
    assert share >= network.top1 - 0.02
    assert done.climb.chosen in RECIPES
