"""Whole networks packed for a runtime of another machine, with what the same runtime gives for them on this one.

Two engines need not share a code at the end of a deep network, but one engine on two processors may: that says that
its kernels compute the very same.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError, RunError
from ..runtime import RUNTIMES
from ..runtime.interface import Runtime
from .difference import LogitDifference
from .network import Network, NetworkFile
from .packed import Arrays, Packed, pack, reader_like
from .side_by_side import Sample, cells_of
from .whole import difference_of

__all__ = ["NetworkDifference", "PackedNetwork", "pack_networks"]


@dataclass(frozen=True)
class NetworkDifference:
    """Outputs of one file in one runtime on two machines. equal: how many of `values` are the same bit for bit.

    max_abs, rms: the greatest distance and the root mean square of all, in the output's own unit (LSB of an integer
    output). agreement: share of samples with the same first class.
    """

    values: int
    equal: int
    max_abs: float
    rms: float
    agreement: float

    @property
    def identical(self) -> bool:
        return self.equal == self.values

    def to_json(self) -> dict[str, Any]:
        return {**asdict(self), "identical": self.identical}


@dataclass(frozen=True)
class PackedNetwork:
    """One file for one runtime. here: what the runtime gives on this machine, sample by sample, as the file has it.

    None where it isn't installed here. packed: None where `failure` says why it can't be run at all.
    """

    file: NetworkFile
    runtime: str
    here: tuple[Arrays, ...] | None = None
    packed: Packed | None = None
    failure: str = ""

    def compare(self, outputs: Path) -> NetworkDifference | None:
        """How far the outputs made elsewhere are from those made here; None where there are none.

        Raises RunError if they are not outputs of this file at all.
        """
        if self.packed is None:
            raise ValueError(f"{self.file.path}: nothing was packed, so nothing can have come back")
        found = self.packed.read(outputs)
        if self.here is None:
            return None
        pairs = [(arrays[name], right[name]) for arrays, right in zip(found, self.here, strict=True) for name in right]
        classes = sum((_classes(*pair) for pair in zip(found, self.here, strict=True)), start=LogitDifference())
        return NetworkDifference(
            values=sum(want.size for _, want in pairs),
            equal=sum(_equal_bits(have, want) for have, want in pairs),
            max_abs=max(_distance(have, want) for have, want in pairs),
            rms=classes.rms,
            agreement=classes.agreement,
        )


def pack_networks(
    files: Sequence[NetworkFile],
    runtimes: Sequence[str],
    data: Iterable[Sample],
    folder: Path,
    *,
    samples: int = 2,
    known: Mapping[str, Runtime] = RUNTIMES,
) -> tuple[PackedNetwork, ...]:
    """Each of `files` for each of `runtimes` that prefers its format, each in a folder of its own in `folder`.

    data: samples of the network's inputs, of which the first `samples` are used. Raises InputError if it is empty,
    RuntimeUnavailable where no runtime here reads a file, and OutputError.
    """
    taken = list(islice(iter(data), samples))
    if not taken:
        raise InputError("check", "no samples to check with", accepted="at least one")
    return tuple(
        _packed(cell.file, cell.runtime, taken, folder / cell.runtime.name / f"whole-{cell.file.precision}", known)
        for cell in cells_of(files, runtimes, known)
    )


def _packed(
    file: NetworkFile, runtime: Runtime, samples: Sequence[Sample], folder: Path, known: Mapping[str, Runtime]
) -> PackedNetwork:
    try:
        reader = reader_like(runtime, known)
        with Network(reader, file.path) as network:
            feeds = [network.feeds(sample) for sample in samples]
            here = tuple(network.run_own(feed) for feed in feeds) if reader is runtime else None
            packed = pack(file.path, network.outputs, feeds, folder)
    except (InputError, RunError) as error:
        return PackedNetwork(file, runtime.name, failure=str(error))
    return PackedNetwork(file, runtime.name, here, packed)


def _classes(found: Arrays, expected: Arrays) -> LogitDifference:
    have = tuple(found[name].astype(np.float32) for name in expected)
    return difference_of(have, tuple(array.astype(np.float32) for array in expected.values()))


def _equal_bits(found: NDArray[Any], expected: NDArray[Any]) -> int:
    """How many values have the same bits; −0 is not 0, and a NaN is itself."""
    bits = f"u{found.dtype.itemsize}"
    same = np.ascontiguousarray(found).view(bits) == np.ascontiguousarray(expected).view(bits)
    return int(np.count_nonzero(same))


def _distance(found: NDArray[Any], expected: NDArray[Any]) -> float:
    """Infinite where a value is not finite."""
    distance = np.abs(found.astype(np.float64) - expected.astype(np.float64))
    return float(distance.max(initial=0.0)) if np.isfinite(distance).all() else float("inf")
