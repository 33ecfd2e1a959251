"""A small network, and QDQ files of it that are bad on purpose in one place."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import numpy_helper

from .graphs import tiny_separable

__all__ = ["changed", "one_scale", "scaled_grid", "with_dead_channel", "with_wide_channel"]


def changed(proto: onnx.ModelProto, **arrays: NDArray[np.float32]) -> onnx.ModelProto:
    """A copy with other weights; names have __ for a dot."""
    copy = onnx.ModelProto()
    copy.CopyFrom(proto)
    for name, array in arrays.items():
        tensor = _tensor(copy, name.replace("__", "."))
        tensor.CopyFrom(numpy_helper.from_array(array, tensor.name))
    return copy


def with_wide_channel(channel: int = 5, times: float = 1000.0) -> onnx.ModelProto:
    """`tiny_separable` whose first depthwise layer has one channel of a far wider range: after ReLU6 it is 0 or 6."""
    proto = tiny_separable()
    weight = numpy_helper.to_array(_tensor(proto, "block1.dw.weight")).copy()
    weight[channel] *= times
    return changed(proto, block1__dw__weight=weight)


def with_dead_channel(channel: int = 3) -> onnx.ModelProto:
    """`tiny_separable` whose stem never puts out anything but zero there."""
    proto = tiny_separable()
    bias = numpy_helper.to_array(_tensor(proto, "stem.bias")).copy()
    bias[channel] = -100.0
    return changed(proto, stem__bias=bias)


def one_scale(path: Path, weight: str) -> None:
    """Put a weight of a QDQ file on one scale for all of its channels, as a per-tensor quantiser would."""
    proto = onnx.load(str(path))
    codes, scale = (_tensor(proto, f"{weight}_{part}") for part in ("quantized", "scale"))
    scales = numpy_helper.to_array(scale)
    shape = (-1, *[1] * (len(codes.dims) - 1))
    real = numpy_helper.to_array(codes).astype(np.float32) * scales.reshape(shape)
    common = np.float32(np.abs(real).max() / 127)
    codes.CopyFrom(numpy_helper.from_array(np.rint(real / common).astype(np.int8), codes.name))
    scale.CopyFrom(numpy_helper.from_array(np.full_like(scales, common), scale.name))
    path.write_bytes(proto.SerializeToString())


def scaled_grid(path: Path, tensor: str, times: float) -> None:
    """Make the grid of an activation of a QDQ file wider or narrower."""
    proto = onnx.load(str(path))
    scale = _tensor(proto, f"{tensor}_scale")
    array = numpy_helper.to_array(scale)
    scale.CopyFrom(numpy_helper.from_array((array * np.float32(times)).astype(np.float32), scale.name))
    path.write_bytes(proto.SerializeToString())


def _tensor(proto: onnx.ModelProto, name: str) -> onnx.TensorProto:
    return next(tensor for tensor in proto.graph.initializer if tensor.name == name)
