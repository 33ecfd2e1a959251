"""Unpacked bundles, as they lie on a board: a script as the program, or a tiny network with golden outputs."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from sepia.ship.agent.manifest import Bounds, File, Manifest, write_manifest

from support.tiny_models import TinyModel, write_onnx, write_tflite

__all__ = ["ECHO", "LIMITS", "Unpacked", "native_bundle", "network_bundle", "unpacked"]

ECHO = '#!/bin/sh\ncat\necho \'{"p50_ms": 1.5, "times_ms": [1.5], "arena_bytes": 1}\' >&2\n'
"""A program whose outputs are its inputs."""

LIMITS = Bounds()

_ROLES = {"network": "program", "labels.txt": "labels"}
_SAMPLES, _VALUES = 2, 16


@dataclass(frozen=True)
class Unpacked:
    folder: Path
    manifest: Manifest


def native_bundle(
    folder: Path,
    program: str = ECHO,
    *,
    bounds: Bounds = LIMITS,
    changes: Mapping[str, bytes] | None = None,
    **fields: Any,
) -> Unpacked:
    """float32 in and out. changes: other contents of a file, instead of what `program` echoes."""
    values = np.random.default_rng(0).standard_normal(_SAMPLES * _VALUES).astype("<f4").tobytes()
    size = len(values) // _SAMPLES
    tolerance = {"rms": 0.01, "samples": _SAMPLES, "output_dtype": "float32", "input_bytes": size, "output_bytes": size}
    contents = {
        "golden/inputs.bin": values,
        "golden/outputs.bin": values,
        "golden/tolerance.json": json.dumps(tolerance).encode(),
        "network": program.encode(),
    }
    fields = {"network": "network", "program": "network", "runtime": "native", "bounds": bounds} | fields
    return unpacked(folder, {**contents, **(changes or {})}, **fields)


def network_bundle(
    folder: Path,
    runtime: str = "litert",
    *,
    bounds: Bounds = LIMITS,
    changes: Mapping[str, bytes] | None = None,
    off: float = 0.0,
    **fields: Any,
) -> Unpacked:
    """The tiny float network. off: added to what its golden outputs should be."""
    folder.mkdir(parents=True, exist_ok=True)
    model, image = TinyModel.drawn(), TinyModel.photo()
    write, name = (write_tflite, "model.tflite") if runtime == "litert" else (write_onnx, "model.onnx")
    right, order = model.reference(image) + np.float32(off), (0, 2, 3, 1) if runtime == "litert" else (0, 1, 2, 3)
    written = write(model, folder / name)
    contents = {
        "golden/inputs.npz": _npz(image=np.ascontiguousarray(image.transpose(order))),
        "golden/outputs.npz": _npz(result=np.ascontiguousarray(right.transpose(order))),
        "golden/tolerance.json": b'{"rms": {"result": 0.001}}',
        name: written.read_bytes(),
    }
    fields = {"network": name, "runtime": runtime, "bounds": bounds} | fields
    return unpacked(folder, {**contents, **(changes or {})}, **fields)


def unpacked(folder: Path, contents: Mapping[str, bytes], **fields: Any) -> Unpacked:
    """Write `contents` with a manifest that fits them."""
    for path, data in contents.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(data)
    roles = {**_ROLES, str(fields["network"]): "program" if fields["runtime"] == "native" else "network"}
    files = tuple(
        File(path, len(data), hashlib.sha256(data).hexdigest(), roles.get(path, "golden"))
        for path, data in sorted(contents.items())
    )
    for file in files:
        (folder / file.path).chmod(0o755 if file.role == "program" else 0o644)
    told = {
        "model": "tiny", "version": "1.0.0", "target": f"pi4-bookworm64-{fields['runtime']}-t1", "threads": 1,
        "files": files, "preparation": {}, "provenance": {}, "program": None,
        "bounds": LIMITS,
    }  # fmt: skip
    manifest = Manifest(**{**told, **fields})
    (folder / "manifest.json").write_bytes(write_manifest(manifest))
    return Unpacked(folder, manifest)


def _npz(**arrays: Any) -> bytes:
    file = io.BytesIO()
    np.savez(file, **arrays)
    return file.getvalue()
