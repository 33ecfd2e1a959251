"""What a file's outputs are worth: top-1, agreement with float, rms error of the logits, on the validation photos.

`python -m benchmarks.fidelity PHOTOS FLOAT.onnx RUNTIME=FILE… ` prints one JSON object, file → figures.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from .feeding import as_asked

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["compare_logits", "logits_of"]


def logits_of(path: Path, runtime: str, photos: NDArray[np.float32]) -> NDArray[np.float32]:
    """photos: [N, 3, H, W] → logits [N, classes], dequantised if the file gives codes. One thread."""
    import numpy as np
    from sepia.runtime import RUNTIMES

    with RUNTIMES[runtime].open(path, threads=1) as session:
        (asked,), (given,) = session.inputs, session.outputs
        rows = []
        for photo in photos:
            fed = as_asked(photo[None], asked.shape, asked.dtype, asked.scale, asked.zero_point)
            row = session.run({asked.name: fed})[given.name].reshape(-1).astype(np.float32)
            if given.dtype != "float32" and given.scale is not None and given.zero_point is not None:
                row = (row - given.zero_point) * np.float32(given.scale)
            rows.append(row)
    return np.stack(rows)


def compare_logits(
    found: NDArray[np.float32], wanted: NDArray[np.float32], labels: NDArray[np.int64]
) -> dict[str, float]:
    """top1: share of photos with the right class. agreement: share with float's class. rms: of all logits' errors."""
    import numpy as np

    best = found.argmax(axis=1)
    return {
        "top1": float((best == labels).mean()),
        "agreement": float((best == wanted.argmax(axis=1)).mean()),
        "rms": float(np.sqrt(((found - wanted).astype(np.float64) ** 2).mean())),
    }


def main(arguments: list[str]) -> None:
    import numpy as np

    photos = np.load(Path(arguments[0]) / "validation.npy")
    labels = np.load(Path(arguments[0]) / "labels.npy")
    wanted = logits_of(Path(arguments[1]), "onnxruntime", photos)
    figures = {arguments[1]: compare_logits(wanted, wanted, labels)}
    for pair in arguments[2:]:
        runtime, _, path = pair.partition("=")
        figures[path] = compare_logits(logits_of(Path(path), runtime, photos), wanted, labels)
    print(json.dumps(figures))


if __name__ == "__main__":
    main(sys.argv[1:])
