"""Small bundles whose "network" is a shell script: every step of an update in a second, on any processor.

The script speaks the protocol of a native program: it hands its input through unchanged, so its golden outputs are its
golden inputs. Around it lies a payload of any size, so that there is something to download and to unpack.
"""

from __future__ import annotations

import hashlib
import io
import json
import random
from dataclasses import dataclass
from pathlib import Path

from sepia.ship.agent.archive import pack
from sepia.ship.agent.manifest import Bounds, File, Manifest, write_manifest

__all__ = ["MODEL", "TARGETS", "SmallBundle", "make_small_bundle", "manifest_of"]

MODEL = "lite0"
TARGETS = {
    "arm64": "pi4-bookworm64-native-t1",
    "armel": "pizero-bookworm32-native-t1",
}
"""Debian's architecture of an emulated board → the target of its bundles."""

RIGHT = "cat"
WRONG = "tr '\\000-\\377' '\\001-\\377\\000'"
"""What a script does with its input: the second gives wrong outputs."""

_SAMPLES, _VALUES = 2, 64


@dataclass(frozen=True)
class SmallBundle:
    """sha256, bytes: of the file `path`. manifest_sha256: of its manifest.json."""

    path: Path
    version: str
    sha256: str
    bytes: int
    manifest_sha256: str
    manifest: Manifest


def make_small_bundle(
    into: Path,
    version: str,
    *,
    target: str = TARGETS["arm64"],
    model: str = MODEL,
    does: str = RIGHT,
    takes_s: float = 0.0,
    payload: int = 20_000,
    p50_ms: float | None = None,
) -> SmallBundle:
    """MODEL-VERSION-TARGET.sepia in the folder `into`.

    does: the shell's words from standard input to standard output. takes_s: seconds of one run. payload: bytes of one
    more file, half of them the same in each version. p50_ms: the bound; the script itself tells 1 ms.
    """
    contents = _contents(version, does, takes_s, payload)
    manifest = manifest_of(contents, version, target=target, model=model, bounds=Bounds(p50_ms, None))
    into.mkdir(parents=True, exist_ok=True)
    path = into / f"{model}-{version}-{target}.sepia"
    sha256 = pack(manifest, lambda name: io.BytesIO(contents[name]), path)
    told = hashlib.sha256(write_manifest(manifest)).hexdigest()
    return SmallBundle(path, version, sha256, path.stat().st_size, told, manifest)


def manifest_of(
    contents: dict[str, bytes],
    version: str,
    *,
    target: str = TARGETS["arm64"],
    model: str = MODEL,
    bounds: Bounds = Bounds(),  # noqa: B008 - frozen
) -> Manifest:
    """What the manifest of a bundle with these files says: "network" is the program."""
    roles = {"network": "program", "labels.txt": "labels"}
    files = tuple(
        File(
            name,
            len(data),
            hashlib.sha256(data).hexdigest(),
            roles.get(name, "golden" if name.startswith("golden/") else "other"),
        )
        for name, data in sorted(contents.items())
    )
    return Manifest(
        model=model,
        version=version,
        target=target,
        runtime="native",
        network="network",
        threads=1,
        files=files,
        bounds=bounds,
        preparation={},
        provenance={},
        program="network",
    )


def _contents(version: str, does: str, takes_s: float, payload: int) -> dict[str, bytes]:
    inputs = random.Random("inputs").randbytes(_SAMPLES * _VALUES)
    figures = json.dumps({"p50_ms": 1.0, "times_ms": [1.0] * _SAMPLES, "arena_bytes": 4096})
    described = json.dumps({"input": {"shape": [1, _VALUES], "dtype": "int8"}, "output": {"shape": [1, _VALUES]}})
    script = (
        f"#!/bin/sh\n# version {version}\n"
        f"if [ \"$1\" = --describe ]; then echo '{described}'; exit 0; fi\n"
        f"sleep {takes_s:g}\n{does}\necho '{figures}' >&2\n"
    )
    tolerance = {
        "rms": 0.5,
        "samples": _SAMPLES,
        "input_bytes": _VALUES,
        "output_bytes": _VALUES,
        "output_dtype": "int8",
    }
    same = random.Random("payload").randbytes(payload // 2)
    return {
        "network": script.encode(),
        "labels.txt": b"cat\ndog\n",
        "golden/inputs.bin": inputs,
        "golden/outputs.bin": inputs,
        "golden/tolerance.json": json.dumps(tolerance).encode(),
        "payload.bin": same + random.Random(version).randbytes(payload - len(same)),
    }
