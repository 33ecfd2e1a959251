"""Codes of some of a network's tensors for every sample, in a file: what many samples take is not held in memory."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, field
from types import TracebackType
from typing import IO, Any, Self

import numpy as np
from numpy.typing import NDArray

__all__ = ["CodeStore"]


@dataclass
class _Tensor:
    file: IO[bytes]
    """Without a name: it is gone with the process, however that ends."""
    at: list[tuple[int, tuple[int, ...], np.dtype[Any]]] = field(default_factory=list)
    bytes: int = 0


class CodeStore:
    """One temporary file a tensor; samples are appended in order and read by number. Close it, or use `with`."""

    def __init__(self) -> None:
        self._tensors: dict[str, _Tensor] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.keep(())

    def __contains__(self, name: str) -> bool:
        return name in self._tensors

    @property
    def names(self) -> frozenset[str]:
        return frozenset(self._tensors)

    def append(self, name: str, codes: NDArray[Any]) -> None:
        """The next sample of `name`."""
        if name not in self._tensors:
            self._tensors[name] = _Tensor(tempfile.TemporaryFile())  # noqa: SIM115 - closed by `keep`
        tensor = self._tensors[name]
        data = np.ascontiguousarray(codes)
        tensor.at.append((tensor.bytes, data.shape, data.dtype))
        tensor.file.seek(tensor.bytes)
        tensor.file.write(data.data)
        tensor.bytes += data.nbytes

    def read(self, name: str, sample: int) -> NDArray[Any]:
        """Sample number `sample`, as it was appended."""
        tensor = self._tensors[name]
        start, shape, dtype = tensor.at[sample]
        tensor.file.seek(start)
        data = tensor.file.read(int(np.prod(shape, dtype=np.int64)) * dtype.itemsize)
        return np.frombuffer(data, dtype).reshape(shape)

    def sample_bytes(self, name: str) -> int:
        """Bytes of one sample, the first."""
        _, shape, dtype = self._tensors[name].at[0]
        return int(np.prod(shape, dtype=np.int64)) * dtype.itemsize

    def keep(self, names: frozenset[str] | tuple[str, ...]) -> None:
        """Let go of all others."""
        for name in set(self._tensors) - set(names):
            self._tensors.pop(name).file.close()
