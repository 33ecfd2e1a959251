"""The command line that every road answers to."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["read_arguments", "samples"]


def read_arguments(description: str) -> argparse.Namespace:
    """--calibration FILE.npy, --out DIR; --method and --limit for the roads and runs that have a choice."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--calibration", type=Path, required=True, help="prepared photos, [N, 3, 224, 224] float32")
    parser.add_argument("--out", type=Path, required=True, help="folder for the files made")
    parser.add_argument("--method", default="default", help="method or recipe, in the road's own words")
    parser.add_argument("--limit", type=int, default=None, help="use at most so many photos, evenly over all")
    parser.add_argument("--network", default="efficientnet-lite0", help="for the roads that can start from another one")
    parser.add_argument("--float-onnx", type=Path, default=None, help="begin at this float ONNX file, without torch")
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    return arguments


def samples(path: Path, limit: int | None) -> Iterator[NDArray[np.float32]]:
    """One photo at a time, [1, 3, 224, 224], read by file offset: mapped pages would count as the peer's memory.

    limit: at most so many, evenly over all, as Sepia takes them: photos are sorted by class.
    """
    import numpy as np

    with path.open("rb") as file:
        version = np.lib.format.read_magic(file)
        reader = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape, _, dtype = reader(file)
        size, begin = int(np.prod(shape[1:])), file.tell()
        count = shape[0] if limit is None else min(limit, shape[0])
        for index in range(count):
            file.seek(begin + (index * shape[0] // count) * size * dtype.itemsize)
            yield np.fromfile(file, dtype=dtype, count=size).reshape(1, *shape[1:])
