"""What a repository costs its boards and its publisher: `python -m benchmarks.repository [BUNDLE...]`.

Metadata: what a board fetches for 1, 10 and 100 models of two channels each, in bytes. Bundles, if given, of one model
and target in the order of their versions: bytes, and seconds of publishing each (a busy machine shows in the first).
Tables on stdout, progress on stderr.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import json
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from sepia.ship import passphrase
from sepia.ship.agent import archive
from sepia.ship.agent.manifest import Bounds, File, Manifest
from sepia.ship.keys import KeyStore
from sepia.ship.repository import create, delegate, publish

MODELS = (1, 10, 100)
CHANNELS = ("stable", "beta")
VERSIONS = 3
TARGET = "pi4-bookworm64-litert-t4"


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.repository", description=__doc__)
    parser.add_argument("bundles", nargs="*", type=Path, metavar="BUNDLE")
    parser.add_argument("--models", nargs="+", type=int, default=MODELS, help="default: %(default)s")
    given = parser.parse_args()
    print(f"`{' '.join(['python -m benchmarks.repository', *sys.argv[1:]])}`\n")
    with tempfile.TemporaryDirectory(prefix="sepia-repository-") as made:
        head = ("models", "root", "timestamp", "snapshot", "targets", "channel", "a new board's", "a new version's")
        _print(head, _sizes(given.models, Path(made) / "sizes"))
        if given.bundles:
            _print(
                ("version", "bundle", "deltas", "s", "s of one core"),
                _publishes(given.bundles, Path(made) / "publishes"),
            )
    return 0


def _sizes(counts: Sequence[int], folder: Path) -> Iterator[tuple[str, ...]]:
    """Bytes of each file for a board of one model; all of them; and those that change with its next version."""
    for count in counts:
        print(f"{count} models", file=sys.stderr)
        repository = _filled(folder / str(count), count)
        sizes = {role: _newest(repository, role) for role in ("root", "timestamp", "snapshot", "targets", "m0.stable")}
        changed = sum(size for role, size in sizes.items() if role not in ("root", "targets"))
        yield (str(count), *map(str, sizes.values()), str(sum(sizes.values())), str(changed))


def _filled(folder: Path, count: int) -> Path:
    repository, keys = folder / "repository", KeyStore(folder / "keys", passphrase.none)
    create(repository, keys)
    for number in range(count):
        for channel in CHANNELS:
            delegate(repository, f"m{number}", channel, keys)
    for version in range(VERSIONS):
        for number in range(count if version == 0 else 1):
            publish(repository, keys, _bundle(folder, f"m{number}", f"1.{version}.0"), "stable")
    return repository


def _bundle(folder: Path, model: str, version: str) -> Path:
    """As small as one can be: its size is not what is measured."""
    path, data = folder / f"{model}-{version}.sepia", f"{model} {version}".encode()
    files = (File("network", len(data), hashlib.sha256(data).hexdigest(), "network"),)
    manifest = Manifest(model, version, TARGET, "litert", "network", 4, files, Bounds(), {}, {})
    archive.pack(manifest, lambda name: io.BytesIO(data), path)
    return path


def _newest(repository: Path, role: str) -> int:
    named = [path for path in (repository / "metadata").glob(f"*{role}.json") if _role(path) == role]
    return max(named, key=lambda path: int(json.loads(path.read_bytes())["signed"]["version"])).stat().st_size


def _role(path: Path) -> str:
    name = path.name.removesuffix(".json")
    return name if name == "timestamp" else name.split(".", 1)[1]


def _publishes(bundles: Sequence[Path], folder: Path) -> Iterator[tuple[str, ...]]:
    repository, keys = folder / "repository", KeyStore(folder / "keys", passphrase.none)
    create(repository, keys)
    delegate(repository, archive.check(bundles[0]).model, "stable", keys)
    for bundle in bundles:
        began, worked = time.perf_counter(), time.process_time()
        told = publish(repository, keys, bundle, "stable")
        seconds, core = time.perf_counter() - began, time.process_time() - worked
        deltas = ", ".join(str(size) for size in told.deltas.values()) or "-"
        yield told.version, str(told.bytes), deltas, f"{seconds:.2f}", f"{core:.2f}"


def _print(head: Sequence[str], rows: Iterator[tuple[str, ...]]) -> None:
    for row in (head, ["---:"] * len(head), *rows):
        print(f"| {' | '.join(row)} |")
    print()


if __name__ == "__main__":
    sys.exit(main())
