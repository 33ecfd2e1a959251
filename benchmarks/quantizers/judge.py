"""One file judged, in a process of its own: `python -m benchmarks.quantizers.judge PHOTOS FLOAT.onnx RUNTIME FILE`.

PHOTOS: the folder of `benchmarks.photos`; the float network's logits are kept there. Prints one JSON object.
"""

from __future__ import annotations

import json
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ..fidelity import logits_of
from .figures import Figures, figures_of, views_of
from .worst_layer import NotComparable, WorstLayer, worst_layer

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["LAYER_PHOTOS", "Verdict", "file_bytes", "read_verdict"]

LAYER_PHOTOS = 32
"""Of the validation photos, evenly over all: for the worst layer."""


@dataclass(frozen=True)
class Verdict:
    """layer: None where `no_layer` says why there is none. file_bytes: of an IR, both its files."""

    figures: Figures
    layer: WorstLayer | None
    no_layer: str
    file_bytes: int


def read_verdict(text: str) -> Verdict:
    """From what `judge` prints."""
    told = json.loads(text.splitlines()[-1])
    figures = {key: tuple(value) if isinstance(value, list) else value for key, value in told["figures"].items()}
    layer = None if told["layer"] is None else WorstLayer(**told["layer"])
    return Verdict(Figures(**figures), layer, told["no_layer"], told["file_bytes"])


def file_bytes(path: Path) -> int:
    """With the .bin that an IR has its weights in."""
    weights = path.with_suffix(".bin")
    return path.stat().st_size + (weights.stat().st_size if path.suffix == ".xml" and weights.is_file() else 0)


def main(arguments: list[str]) -> None:
    import numpy as np

    photos, reference, runtime, path = Path(arguments[0]), Path(arguments[1]), arguments[2], Path(arguments[3])
    validation = np.load(photos / "validation.npy")
    kept = photos / "float-logits.npy"
    wanted = np.load(kept) if kept.is_file() else _logits(reference, "onnxruntime", validation)
    np.save(kept, wanted)
    found = wanted if path == reference else _logits(path, runtime, validation)
    figures = figures_of(found, wanted, np.load(photos / "labels.npy"))
    layer, why = None, "float"
    if path != reference:
        some = validation[:: max(len(validation) // LAYER_PHOTOS, 1)][:LAYER_PHOTOS]
        try:
            layer, why = worst_layer(path, reference, some), ""
        except NotComparable as error:
            why = str(error)
    print(json.dumps(asdict(Verdict(figures, layer, why, file_bytes(path)))))


def _logits(path: Path, runtime: str, photos: NDArray[np.float32]) -> NDArray[np.float32]:
    """[photos, 2, classes]: each photo and its mirror image."""
    views = views_of(photos)
    flat = logits_of(path, runtime, views.reshape(-1, *photos.shape[1:]))
    return flat.reshape(*views.shape[:2], -1)


if __name__ == "__main__":
    main(sys.argv[1:])
