"""A model's files made beside their places and moved there together: a command that fails leaves none of them."""

from __future__ import annotations

import errno
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..check.model_folder import ModelFolder
from ..errors import SepiaError
from ..files import refusing
from .progress import Report

__all__ = ["all_or_none", "named_as"]


@contextmanager
def all_or_none(folder: ModelFolder) -> Iterator[ModelFolder]:
    """A folder to write into. Its network files are moved into `folder` when the block ends, none if it raises.

    It lies in `folder`, so that moving them is renaming them. Errors name files as they will be called. Raises
    OutputError.
    """
    with refusing(folder.path):
        folder.path.mkdir(parents=True, exist_ok=True)
        scratch = tempfile.TemporaryDirectory(prefix=".making-", dir=folder.path)
    with scratch as path:
        made = ModelFolder(Path(path))
        try:
            yield made
        except SepiaError as error:
            error.where = error.where.replace(str(made.path), str(folder.path))
            raise
        pairs: list[tuple[Path, Path]] = []
        for artifact in made.artifacts():
            targets = folder.artifact(artifact.format, artifact.precision).files
            # An IR's .bin first: an .xml that is there can be read.
            pairs += reversed(list(zip(artifact.files, targets, strict=True)))
        for _, target in pairs:
            with refusing(target):
                if target.is_dir():
                    raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(target))
        for file, target in pairs:
            with refusing(target):
                file.replace(target)


def named_as(folder: ModelFolder, made: ModelFolder, progress: Report) -> Report:
    """`progress` for what is done in `made`, as if it were done in `folder`."""

    def report(line: str, done: int, total: int) -> None:
        progress(line.replace(made.name, folder.name), done, total)

    return report
