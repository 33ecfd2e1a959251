"""Bundles of any content, made in memory: manifests that fit their files, and archives of them."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sepia.ship.agent.archive import pack
from sepia.ship.agent.manifest import Bounds, File, Manifest

__all__ = ["CONTENTS", "make_archive", "manifest_for"]

NETWORK = "model.int8.tflite"
CONTENTS = {
    "golden/inputs.npz": bytes(range(256)) * 3,
    "labels.txt": b"tench\n",
    NETWORK: b"TFL3" * 200,
    "z-empty": b"",
}
"""Files of more, less and exactly a block of 512 bytes, and of none."""


def manifest_for(contents: Mapping[str, bytes], **changes: Any) -> Manifest:
    """`NETWORK`, if it is there, is the network; `changes`: other fields."""
    files = tuple(
        File(path, len(data), hashlib.sha256(data).hexdigest(), "network" if path == NETWORK else "other")
        for path, data in sorted(contents.items())
    )
    fields: dict[str, Any] = {
        "model": "lite0",
        "version": "1.0.0",
        "target": "pi4-bookworm64-litert-t4",
        "runtime": "litert",
        "network": NETWORK,
        "threads": 4,
        "files": files,
        "bounds": Bounds(12.5, 50_000_000),
        "preparation": {"height": 224},
        "provenance": {"source": "efficientnet-lite0"},
        "program": None,
    }
    return Manifest(**fields | changes)


def make_archive(path: Path, contents: Mapping[str, bytes] = CONTENTS, **changes: Any) -> Manifest:
    """Pack `contents` into `path`; the manifest."""
    manifest = manifest_for(contents, **changes)
    pack(manifest, lambda name: io.BytesIO(contents[name]), path)
    return manifest
