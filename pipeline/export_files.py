"""`sepia export`: a network's source → ONNX, and from that TFLite and OpenVINO IR."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..check.model_folder import FORMATS, Format, ModelFolder
from ..errors import ConfigError, nearest
from ..files import replacing
from .adopt_files import adopt_files, is_quantized_file
from .all_or_none import all_or_none, named_as
from .progress import Report, silent
from .translate_files import translate_files

__all__ = ["Exported", "export_files", "formats_of", "write_onnx"]


@dataclass(frozen=True)
class Exported:
    """What was written. source: as the user named it. files: format → path.

    told: of a file that was quantised already, what had to be changed in it and what is no int8.
    """

    source: str
    files: dict[str, Path]
    told: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        files = {format_: str(path) for format_, path in self.files.items()}
        return {"source": self.source, "files": files, "told": list(self.told)}

    def to_text(self) -> str:
        return "\n".join([*(str(path) for path in self.files.values()), *self.told])


def formats_of(names: Sequence[str]) -> tuple[Format, ...]:
    """The formats named, in the order of FORMATS, "onnx" always among them. Raises ConfigError on an unknown one."""
    for name in names:
        if name not in FORMATS:
            raise ConfigError("--formats", f"unknown format '{name}'", accepted=nearest(name, FORMATS))
    return tuple(format_ for format_ in FORMATS if format_ == "onnx" or format_ in names)


def export_files(
    source: str,
    folder: ModelFolder,
    *,
    formats: Sequence[Format] = FORMATS,
    dynamic_batch: bool = False,
    progress: Report = silent,
) -> Exported:
    """Write `model.onnx` and its translations into `folder`; of an ONNX file with Q/DQ pairs `model.int8.onnx` and its.

    All of them or none. source: zoo name, `file.py:factory`, `.pt2` or `.onnx`. Raises ModelError, GraphError,
    UnsupportedOps and OutputError.
    """
    if Path(source).suffix.lower() == ".onnx" and Path(source).is_file() and is_quantized_file(Path(source)):
        progress(f"{folder.name}: {source}, quantised already", 0, 0)
        adopted = adopt_files(Path(source), folder, formats, progress=progress)
        return Exported(source, {str(format_): path for format_, path in adopted.files.items()}, adopted.told)
    progress(f"{folder.name}: {source} → ONNX", 0, 0)
    with all_or_none(folder) as made:
        with tempfile.TemporaryDirectory(prefix="sepia-") as scratch:
            write_onnx(source, made.artifact("onnx", "float").path, Path(scratch), dynamic_batch)
        translate_files(made, "float", formats, progress=named_as(folder, made, progress))
    written = [format_ for format_ in FORMATS if format_ == "onnx" or format_ in formats]
    return Exported(source, {format_: folder.artifact(format_, "float").path for format_ in written})


def write_onnx(source: str, destination: Path, scratch: Path, dynamic_batch: bool = False) -> None:
    """What `source` names, as `export_files` takes it, as a float ONNX file. scratch: a folder to capture in."""
    from ..models.source import load_source

    loaded = load_source(source, scratch, dynamic_batch=dynamic_batch)
    if loaded.program is None:
        if loaded.onnx is None:
            raise ValueError(f"{source} was loaded as nothing")
        _copy_onnx(loaded.onnx, destination)
        return
    from ..export.torch_to_onnx import torch_to_onnx
    from ..inputs.metadata import to_metadata

    metadata = to_metadata(loaded.preparation, loaded.labels)
    torch_to_onnx(loaded.program, destination, metadata=metadata, dynamic_batch=dynamic_batch)


def _copy_onnx(source: Path, destination: Path) -> None:
    """A user's own ONNX, checked before it is taken; weights in files of their own come into the one file."""
    from ..graph.load import has_external_data, load_graph, save_graph

    model = load_graph(source)
    if has_external_data(source):
        save_graph(model, destination)
        return
    with replacing(destination) as temporary:
        shutil.copyfile(source, temporary)
