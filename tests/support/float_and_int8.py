"""A float network and the QDQ file of it, quantised plainly, in one folder."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from sepia.graph.load import load_graph, save_graph
from sepia.graph.passes import canonicalize

from .fake_runtime import FakeFile
from .graphs import tiny_separable

__all__ = ["float_and_int8", "noise"]

INPUT = "image"


def noise(count: int, size: tuple[int, ...] = (16, 16), *, seed: int = 0) -> list[dict[str, NDArray[np.float32]]]:
    rng = np.random.default_rng(seed)
    return [{INPUT: rng.normal(0, 1, (1, 3, *size)).astype(np.float32)} for _ in range(count)]


def float_and_int8(folder: Path, *, classes: int = 10) -> tuple[FakeFile, FakeFile]:
    """`model.onnx` and `model.int8.onnx`, quantised by ONNX Runtime's own quantiser (another one than ours)."""
    from onnxruntime.quantization import CalibrationDataReader, QuantType, quantize_static

    class Reader(CalibrationDataReader):  # type: ignore[misc]
        def __init__(self) -> None:
            self.left = iter(noise(8, seed=1))

        def get_next(self) -> dict[str, NDArray[np.float32]] | None:
            return next(self.left, None)

    source, made = folder / "model.onnx", folder / "model.int8.onnx"
    onnx.save(tiny_separable(classes=classes), source)
    save_graph(canonicalize(load_graph(source)), source)
    quantize_static(
        source, made, Reader(), per_channel=True, activation_type=QuantType.QUInt8, weight_type=QuantType.QInt8
    )
    return FakeFile(source, "onnx", "float"), FakeFile(made, "onnx", "int8")
