"""A user's own tiny network, and the command line as a user has it: a process, its exit code, what it printed."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

NETS = """
import torch
from torch import nn


def _block(channels_in, channels, stride):
    return nn.Sequential(
        nn.Conv2d(channels_in, channels_in, 3, stride, 1, groups=channels_in, bias=False),
        nn.BatchNorm2d(channels_in), nn.ReLU6(),
        nn.Conv2d(channels_in, channels, 1, bias=False), nn.BatchNorm2d(channels), nn.ReLU6(),
    )


class Residual(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.block = _block(channels, channels, 1)

    def forward(self, x):
        return x + self.block(x)


def tiny():
    print("the factory prints")
    torch.manual_seed(0)
    network = nn.Sequential(
        nn.Conv2d(3, 8, 3, 2, 1), nn.ReLU6(), _block(8, 16, 2), Residual(16),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(16, 10),
    )
    return network.eval(), torch.zeros(1, 3, 32, 32)


def raises():
    raise RuntimeError("no weights on this machine")


def nothing():
    return 3


def unsupported():
    class Odd(nn.Module):
        def forward(self, x):
            return torch.erf(x).cumsum(-1)

    return Odd(), torch.zeros(1, 3, 8, 8)
"""

Sepia = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def nets(tmp_path: Path) -> Path:
    path = tmp_path / "nets.py"
    path.write_text(NETS)
    return path


@pytest.fixture
def sepia(tmp_path: Path) -> Sepia:
    """Run `sepia …` in the test's folder."""

    def call(*arguments: object, timeout: float = 300) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "sepia", *map(str, arguments)],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
            env=os.environ | {"COLUMNS": "200"},
        )

    return call


@pytest.fixture
def run_file(tmp_path: Path, nets: Path) -> Path:
    """A whole run of the tiny network, quick: random calibration data, one runtime a format."""
    import numpy as np

    generator = np.random.default_rng(0)
    np.save(tmp_path / "data.npy", generator.normal(size=(8, 3, 32, 32)).astype(np.float32))
    path = tmp_path / "sepia.toml"
    path.write_text(
        '[[model]]\nsource = "nets.py:tiny"\n[quantize]\ncalibrate = "data.npy"\n'
        "[check]\nsamples = 1\nimages = 4\n[bench]\nseconds = 0.1\n"
    )
    return path
