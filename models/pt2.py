"""Networks that torch.export saved."""

from __future__ import annotations

import json
import logging
import zipfile
from pathlib import Path

import torch

from ..errors import ModelError

__all__ = ["load_pt2"]


def load_pt2(path: Path) -> torch.export.ExportedProgram:
    """Load a `.pt2`. Raises ModelError; a file of another torch is told with both versions."""
    written_by = _torch_version(path)
    log = logging.getLogger("torch.export.pt2_archive._package")
    level = log.level
    log.setLevel(logging.CRITICAL)  # it warns of what the exception says as well
    try:
        return torch.export.load(path)
    except Exception as error:
        # torch's loader raises whatever its schema trips over: KeyError, TypeError, AssertionError, RuntimeError, …
        if written_by is not None and written_by != torch.__version__:
            raise ModelError(
                str(path),
                f"was written by torch {written_by} and cannot be read by torch {torch.__version__}",
                hint="save it again with this torch, or give the module as file.py:factory",
            ) from error
        reason = next(iter(str(error).splitlines()), "") or type(error).__name__
        raise ModelError(str(path), f"cannot be read by torch {torch.__version__} ({reason})") from error
    finally:
        log.setLevel(level)


def _torch_version(path: Path) -> str | None:
    """Version of the torch that wrote the file, None if it does not say. Raises ModelError if it is no archive."""
    try:
        with zipfile.ZipFile(path) as archive:
            for name in archive.namelist():
                if name.endswith(("models/model.json", "serialized_exported_program.json")):
                    return _version_in(archive.read(name))
    except (zipfile.BadZipFile, OSError, EOFError) as error:
        what = "is empty" if path.stat().st_size == 0 else f"is no .pt2 archive, or is truncated ({error})"
        raise ModelError(str(path), what, hint="write it with torch.export.save") from error
    raise ModelError(str(path), "holds no exported program, or is truncated", hint="write it with torch.export.save")


def _version_in(program: bytes) -> str | None:
    try:
        version = json.loads(program).get("torch_version")
    except (ValueError, AttributeError):
        return None
    return None if version is None else str(version)
