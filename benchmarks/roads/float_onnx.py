"""The float ONNX file that the roads of ONNX tools begin with: one that is given, or made from torch."""

from __future__ import annotations

import argparse
from pathlib import Path

__all__ = ["float_onnx"]


def float_onnx(arguments: argparse.Namespace) -> Path:
    """`--float-onnx`, else `--network` written as `model.onnx` in `--out` by torch.onnx.export."""
    if arguments.float_onnx is not None:
        given: Path = arguments.float_onnx
        return given
    import torch
    from network import INPUT_SHAPE, build_network

    destination: Path = arguments.out / "model.onnx"
    torch.onnx.export(
        build_network(arguments.network),
        (torch.zeros(INPUT_SHAPE),),
        str(destination),
        input_names=["inputs"],
        dynamo=True,
        optimize=True,
        external_data=False,
    )
    return destination
