"""Wheels of a few bytes, for pip to choose among by version and tag as among real ones."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

__all__ = ["SmallWheels"]


@dataclass(frozen=True)
class SmallWheels:
    """Written into `folder`."""

    folder: Path

    def add(
        self, name: str, release: str, tag: str, files: Mapping[str, str] | None = None, *, needs: Sequence[str] = ()
    ) -> None:
        """name: of the distribution. tag: like "cp311-cp311-manylinux_2_28_aarch64". files: name → text."""
        module = name.replace("-", "_")
        about = f"{module}-{release}.dist-info"
        metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: {release}\n"
        metadata += "".join(f"Requires-Dist: {one}\n" for one in needs)
        with zipfile.ZipFile(self.folder / f"{module}-{release}-{tag}.whl", "w") as wheel:
            for inside, text in (files or {f"{module}/__init__.py": f"tag = '{tag}'\n"}).items():
                wheel.writestr(inside, text)
            wheel.writestr(f"{about}/METADATA", metadata)
            wheel.writestr(f"{about}/WHEEL", f"Wheel-Version: 1.0\nGenerator: t\nRoot-Is-Purelib: false\nTag: {tag}\n")
            wheel.writestr(f"{about}/RECORD", "")
