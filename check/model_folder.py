"""Where everything of one model lies: the names of the files that the steps hand to one another."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from ..errors import InputError
from ..files import digest

if TYPE_CHECKING:
    from .network import NetworkFile

__all__ = ["FORMATS", "Artifact", "Format", "ModelFolder", "Precision", "network_digests"]

Precision = Literal["float", "int8"]
Format = Literal["onnx", "tflite", "openvino"]

FORMATS: tuple[Format, ...] = ("onnx", "tflite", "openvino")

_SUFFIX: dict[Format, str] = {"onnx": ".onnx", "tflite": ".tflite", "openvino": ".xml"}


@dataclass(frozen=True)
class Artifact:
    """One network file. path: of the file itself (of an IR, its .xml)."""

    path: Path
    format: Format
    precision: Precision

    @property
    def files(self) -> tuple[Path, ...]:
        """All files that belong to it: an IR has its weights in a .bin beside the .xml."""
        return (self.path, self.path.with_suffix(".bin")) if self.format == "openvino" else (self.path,)

    @property
    def file_bytes(self) -> int:
        """Size on disk, in bytes."""
        return sum(file.stat().st_size for file in self.files)


@dataclass(frozen=True)
class ModelFolder:
    """A model's folder. float files may lie in another one (`float_path`), when several recipes share them."""

    path: Path
    float_path: Path | None = None

    @property
    def name(self) -> str:
        return self.path.resolve().name

    def artifact(self, format: Format, precision: Precision) -> Artifact:  # noqa: A002 - the field's word
        folder = (self.float_path or self.path) if precision == "float" else self.path
        stem = "model" if precision == "float" else "model.int8"
        return Artifact(folder / f"{stem}{_SUFFIX[format]}", format, precision)

    def artifacts(self) -> Iterator[Artifact]:
        """Those that exist, float first."""
        for precision in ("float", "int8"):
            for format_ in _SUFFIX:
                found = self.artifact(format_, precision)
                if all(file.is_file() for file in found.files):
                    yield found

    def require(self, format: Format, precision: Precision) -> Path:  # noqa: A002
        """The file's path. Raises InputError with the command that makes it."""
        found = self.artifact(format, precision)
        for file in found.files:
            if not file.is_file():
                command = "sepia export SOURCE" if precision == "float" else "sepia quantize DIR"
                raise InputError(str(file), "no such file", hint=f"make it with: {command} -o {self.path}")
        return found.path

    @property
    def quantization(self) -> Path:
        return self.path / "quantization.json"

    @property
    def check(self) -> Path:
        return self.path / "check.json"

    @property
    def explanation(self) -> Path:
        return self.path / "explanation.json"

    @property
    def accuracy(self) -> Path:
        return self.path / "accuracy.json"

    @property
    def bench(self) -> Path:
        return self.path / "bench.json"

    @property
    def results(self) -> Path:
        return self.path / "results.json"

    def golden(self, file: NetworkFile) -> Path:
        """Folder of the golden inputs and outputs of one file."""
        return self.path / "golden" / f"{file.format}-{file.precision}"


def network_digests(artifacts: Iterable[Artifact]) -> dict[str, str]:
    """File name → SHA-256. Kept beside every figure, so that none is taken for one of a file made since."""
    return {file.name: digest(file) for artifact in artifacts for file in artifact.files}
