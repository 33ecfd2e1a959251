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
    """Of each layer, over all photos. wanted, found: for each photo the layers' outputs. Raises NotComparable."""
    import numpy as np

    signal, noise = np.zeros(0), np.zeros(0)
    for right, given in zip(wanted, found, strict=True):
        # A fully connected layer may be written as a convolution of one position.
        if [np.squeeze(one).shape for one in right] != [np.squeeze(one).shape for one in given]:
            raise NotComparable(f"its layers are not the float network's: {len(given)} against {len(right)}")
        if not len(signal):
            signal, noise = np.zeros(len(right)), np.zeros(len(right))
        signal += [np.square(one, dtype=np.float64).sum() for one in right]
        pairs = zip(right, given, strict=True)
        noise += [np.square(one.ravel().astype(np.float64) - other.ravel()).sum() for one, other in pairs]
    with np.errstate(divide="ignore"):
        return [float(value) for value in 10 * np.log10(signal / noise)]


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
