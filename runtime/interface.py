"""The small interface that every runtime answers to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from numpy.typing import NDArray

__all__ = ["Placement", "Runtime", "Session", "TensorInfo"]


@dataclass(frozen=True)
class TensorInfo:
    """One input or output as the *file* has it: name, shape in the file's own layout, NumPy dtype name.

    shape: −1 where the file leaves a dimension open. scale, zero_point: of an int8 or uint8 tensor where the file says
    them (TFLite), else None.
    """

    name: str
    shape: tuple[int, ...]
    dtype: str
    scale: float | None = None
    zero_point: int | None = None


@dataclass(frozen=True)
class Placement:
    """Where one layer of a session really ran.

    layer: the runtime's name for it (fused layers are one). op: the runtime's op or kernel. precision: "int8",
    "float32", "float16", "bfloat16" or "none" (moves data only). kernel: the kernel set or provider, as the
    runtime tells it.
    """

    layer: str
    op: str
    precision: str
    kernel: str = ""


class Session(Protocol):
    """A loaded file. Use as a context manager, or call `close`."""

    @property
    def inputs(self) -> Sequence[TensorInfo]: ...

    @property
    def outputs(self) -> Sequence[TensorInfo]: ...

    def run(self, feeds: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        """One inference. feeds: input name → array of the input's shape and dtype. Raises RunError."""
        ...

    def placements(self) -> list[Placement]:
        """Which layers ran in int8 and which fell to float, read from the runtime itself, in execution order."""
        ...

    def close(self) -> None: ...

    def __enter__(self) -> Session: ...

    def __exit__(self, *exc: object) -> None: ...


class Runtime(Protocol):
    """One engine. `RUNTIMES` in this room's front door names them all."""

    name: str
    """As in a target's name: "onnxruntime", "litert", "tflite-runtime", "openvino"."""
    suffixes: tuple[str, ...]
    """File endings it reads, preferred first: (".onnx",), (".tflite",), (".xml", ".onnx")."""

    def version(self) -> str:
        """Version of the engine. Raises RuntimeUnavailable with what to install, or that no wheel exists."""
        ...

    def open(self, path: Path, *, threads: int = 1) -> Session:
        """Load a file. threads: intra-op threads, ≥ 1. Raises RunError, RuntimeUnavailable or InputError."""
        ...
