"""Where a file is worst: the layer whose output has least signal for its error, all errors before it included."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["NotComparable", "WorstLayer", "layer_sqnr_db", "worst_layer"]


class NotComparable(Exception):
    """A file's layers are not the float network's one by one."""


@dataclass(frozen=True)
class WorstLayer:
    """sqnr_db: 10·log10 of the float output's power over its error's. index: of the layer, from 0, of `layers`."""

    sqnr_db: float
    name: str
    index: int
    layers: int


def worst_layer(path: Path, reference: Path, photos: NDArray[np.float32]) -> WorstLayer:
    """path: .onnx, .tflite or .xml. reference: the float ONNX file. photos: [N, 3, H, W].

    Raises NotComparable where the layers are other ones.
    """
    from .layers import ir_file, onnx_file, tflite_file

    outputs = {".onnx": onnx_file, ".tflite": tflite_file, ".xml": ir_file}[path.suffix].layer_outputs
    sqnr = layer_sqnr_db(onnx_file.layer_outputs(reference, photos), outputs(path, photos))
    index = min(range(len(sqnr)), key=sqnr.__getitem__)
    return WorstLayer(sqnr[index], onnx_file.layer_names(reference)[index], index, len(sqnr))


def layer_sqnr_db(
    wanted: Iterable[Sequence[NDArray[np.float32]]], found: Iterable[Sequence[NDArray[np.float32]]]
) -> list[float]:
    """Of each layer, over all photos. wanted, found: for each photo the layers' outputs, [1, C, …].

    Each channel is first brought to float's size by the factor of least squares: equalisation scales channels inside a
    network, and undoes it further on. Channels that never fire in float have no signal, and are left out: a quantiser
    may put them to another use. Raises NotComparable.
    """
    import numpy as np

    sums: list[NDArray[np.float64]] = []
    for right, given in zip(wanted, found, strict=True):
        # A fully connected layer may be written as a convolution of one position.
        if [np.squeeze(one).shape for one in right] != [np.squeeze(one).shape for one in given]:
            raise NotComparable(f"its layers are not the float network's: {len(given)} against {len(right)}")
        sums = sums or [np.zeros((3, one.shape[1])) for one in right]
        for total, one, other in zip(sums, right, given, strict=True):
            exact, rounded = (values.reshape(values.shape[1], -1).astype(np.float64) for values in (one, other))
            total += np.square(exact).sum(axis=1), (exact * rounded).sum(axis=1), np.square(rounded).sum(axis=1)
    return [_db(*total[:, total[0] > 0]) for total in sums]


def _db(power: NDArray[np.float64], product: NDArray[np.float64], rounded: NDArray[np.float64]) -> float:
    """Sums of each channel's float values squared, times the rounded ones, and of the rounded ones squared."""
    import numpy as np

    # What is left of f when its part along q is taken away; rounding of the difference is no error.
    along = np.divide(np.square(product), rounded, out=np.zeros_like(power), where=rounded > 0)
    error = np.where(power - along > 1e-12 * power, power - along, 0.0)
    with np.errstate(divide="ignore"):
        return float(10 * np.log10(np.divide(power.sum(), error.sum())))
