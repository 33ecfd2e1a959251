"""Where a file is worst: the layer whose output has least signal for its error, all errors before it included."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["NotComparable", "WorstLayer", "layer_sqnr_db", "rescaled", "worst_layer"]


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

    Raises NotComparable where the layers are other ones, or their inner values were rescaled (equalisation).
    """
    from .layers import ir_file, onnx_file, tflite_file

    outputs = {".onnx": onnx_file, ".tflite": tflite_file, ".xml": ir_file}[path.suffix].layer_outputs
    if path.suffix == ".onnx" and rescaled(onnx_file.layer_weights(path), onnx_file.layer_weights(reference)):
        raise NotComparable("its weights were rescaled between layers, and so were its inner values")
    sqnr = layer_sqnr_db(onnx_file.layer_outputs(reference, photos), outputs(path, photos))
    index = min(range(len(sqnr)), key=sqnr.__getitem__)
    return WorstLayer(sqnr[index], onnx_file.layer_names(reference)[index], index, len(sqnr))


def layer_sqnr_db(
    wanted: Iterable[Sequence[NDArray[np.float32]]], found: Iterable[Sequence[NDArray[np.float32]]]
) -> list[float]:
    """Of each layer, over all photos. wanted, found: for each photo the layers' outputs, [1, C, …].

    Channels that never fire in float have no signal, and are left out: a quantiser may put them to another use. Raises
    NotComparable.
    """
    import numpy as np

    sums: list[NDArray[np.float64]] = []
    for right, given in zip(wanted, found, strict=True):
        # A fully connected layer may be written as a convolution of one position.
        if [np.squeeze(one).shape for one in right] != [np.squeeze(one).shape for one in given]:
            raise NotComparable(f"its layers are not the float network's: {len(given)} against {len(right)}")
        sums = sums or [np.zeros((2, one.shape[1])) for one in right]
        for total, one, other in zip(sums, right, given, strict=True):
            exact, rounded = (values.reshape(values.shape[1], -1).astype(np.float64) for values in (one, other))
            total += np.square(exact).sum(axis=1), np.square(exact - rounded).sum(axis=1)
    with np.errstate(divide="ignore"):
        return [float(10 * np.log10(np.divide(*total[:, total[0] > 0].sum(axis=1)))) for total in sums]


def rescaled(found: Sequence[NDArray[np.float32] | None], wanted: Sequence[NDArray[np.float32] | None]) -> bool:
    """Channels that hold a twentieth of a layer's weight have another norm than in float, by a tenth or more.

    Rounding to 8 bits never does that to a channel that holds so much.
    """
    import numpy as np

    for one, other in zip(found, wanted, strict=False):
        if one is None or other is None or one.shape != other.shape:
            continue
        energy = np.square(other, dtype=np.float64).reshape(len(other), -1).sum(axis=1)
        norms = np.square(one, dtype=np.float64).reshape(len(one), -1).sum(axis=1)
        ratio = np.sqrt(norms / np.maximum(energy, 1e-30))
        if energy[np.abs(ratio - 1) > 0.1].sum() > 0.05 * energy.sum():
            return True
    return False
