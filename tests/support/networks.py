"""Whole networks as float ONNX files, made once for a test session, whatever number of workers runs it."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from filelock import FileLock

__all__ = ["made_once", "write_lite0", "write_mobilenet_v2"]


def made_once(factory: pytest.TempPathFactory, name: str, write: Callable[[Path], None]) -> Path:
    """`name`.onnx in a folder that all workers of the session share, written by the first that asks."""
    folder = factory.getbasetemp()
    folder = folder.parent if "PYTEST_XDIST_WORKER" in os.environ else folder
    path = folder / "networks" / f"{name}.onnx"
    path.parent.mkdir(exist_ok=True)
    with FileLock(path.with_suffix(".lock")):
        if not path.exists():  # written whole or not at all: `torch_to_onnx` renames
            write(path)
    return path


def write_lite0(path: Path) -> None:
    """EfficientNet-Lite0 with its ImageNet weights, its preparation and labels in the metadata."""
    _write(path, "efficientnet-lite0")


def write_mobilenet_v2(path: Path) -> None:
    """MobileNetV2 with random weights as a trained network would have them.

    Scales and shifts of the normalisations vary by channel, and their statistics are those of real photos, so that
    activations have the ranges, and ReLU6 the clipping, that a quantiser meets in earnest.
    """
    import numpy as np
    import torch
    from sepia.inputs import calibration_data
    from sepia.models.layers import set_norm_statistics
    from sepia.models.zoo import ZOO

    torch.set_num_threads(1)
    entry = ZOO["mobilenet-v2"]
    module = entry.build()
    generator = torch.Generator().manual_seed(1)
    for layer in module.modules():
        if isinstance(layer, torch.nn.BatchNorm2d):
            torch.nn.init.uniform_(layer.weight, 0.5, 1.5, generator=generator)
            torch.nn.init.normal_(layer.bias, 0.0, 0.5, generator=generator)
    photos = calibration_data(None, {"input": entry.input_shape}, entry.preparation, limit=16)
    set_norm_statistics(module, torch.from_numpy(np.concatenate([sample["input"] for sample in photos])))
    _write(path, "mobilenet-v2", module)


def _write(path: Path, name: str, module: object = None) -> None:
    import torch
    from sepia.export.torch_to_onnx import torch_to_onnx
    from sepia.inputs.metadata import to_metadata
    from sepia.models.zoo import ZOO

    torch.set_num_threads(1)  # the workers of a session share the cores
    entry = ZOO[name]
    network = module if isinstance(module, torch.nn.Module) else entry.build()
    with torch.no_grad():
        program = torch.export.export(network, (torch.zeros(entry.input_shape),))
    torch_to_onnx(program, path, metadata=to_metadata(entry.preparation, entry.labels))
