"""What every session does alike: check before it runs, refuse when it is closed, close at the end of a block."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self

from numpy.typing import NDArray

from ..errors import RunError
from .feeds import check_feeds
from .interface import Placement, TensorInfo

__all__ = ["FileSession"]


class FileSession(ABC):
    """A loaded file. Each runtime adds `_infer`, `_placements` and `_release`."""

    def __init__(self, path: Path, inputs: Sequence[TensorInfo], outputs: Sequence[TensorInfo]) -> None:
        self._path = path
        self._inputs = tuple(inputs)
        self._outputs = tuple(outputs)
        self._closed = False

    @property
    def inputs(self) -> Sequence[TensorInfo]:
        return self._inputs

    @property
    def outputs(self) -> Sequence[TensorInfo]:
        return self._outputs

    def run(self, feeds: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        """One inference. The results are the caller's own: a later run leaves them as they are. Raises RunError."""
        self._refuse_if_closed()
        check_feeds(str(self._path), self._inputs, feeds)
        return self._infer(feeds)

    def placements(self) -> list[Placement]:
        """Where each layer really ran, in order of execution. Raises RunError."""
        self._refuse_if_closed()
        return self._placements()

    def close(self) -> None:
        """Give the file and its memory back. A second time does nothing."""
        if not self._closed:
            self._closed = True
            self._release()

    def _refuse_if_closed(self) -> None:
        if self._closed:
            raise RunError(str(self._path), "the session is closed")

    def __enter__(self) -> Self:
        self._refuse_if_closed()
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    @abstractmethod
    def _infer(self, feeds: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        """feeds: already checked."""

    @abstractmethod
    def _placements(self) -> list[Placement]: ...

    @abstractmethod
    def _release(self) -> None: ...
