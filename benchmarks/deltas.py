"""What a delta saves: `python -m benchmarks.deltas FOLDER`, where FOLDER is as `sepia export` and `quantize` leave it.

Each row is a bundle of that network after one kind of change, sent to a board that has the bundle from before it. Both
are quantised here. Table on stdout, progress on stderr.
"""

from __future__ import annotations

import argparse
import lzma
import sys
import tempfile
import time
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import numpy_helper
from sepia.check.model_folder import ModelFolder
from sepia.inputs.preparation import PREPARATION_KEY, Preparation
from sepia.pipeline.quantize_files import QuantizeOptions, quantize_files
from sepia.ship.agent.patch import apply
from sepia.ship.bundle import make_bundle
from sepia.ship.delta import make

Change = Callable[[onnx.ModelProto], None]
SEED = 0


@dataclass(frozen=True)
class Row:
    """patch, whole, zlib, xz: bytes; the last two are the whole compressed. make_s, apply_s: seconds, here."""

    change: str
    target: str
    patch: int
    whole: int
    zlib: int
    xz: int
    make_s: float
    apply_s: float


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.deltas", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--calibrate", type=Path, help="folder of photos; default: those in scikit-image's wheel")
    parser.add_argument("--images", type=int, default=64, help="of them for the first bundle (default: 64)")
    parser.add_argument("--target", nargs="+", default=["pi4-bookworm64-litert-t4"], help="default: %(default)s")
    parser.add_argument("--keep", type=Path, help="folder to keep bundles and patches in")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="sepia-deltas-") as made:
        rows = list(_rows(given, Path(made)))
    print(f"`{' '.join(['python -m benchmarks.deltas', *sys.argv[1:]])}`\n")
    print(markdown(rows))
    return 0


def markdown(rows: list[Row]) -> str:
    lines = [
        "| change | target | patch | of the whole | whole | zlib -9 | xz -9 | to make, s | to apply, s |",
        "|---|---|--:|--:|--:|--:|--:|--:|--:|",
    ]
    for row in rows:
        sizes = " | ".join(f"{size:,}" for size in (row.whole, row.zlib, row.xz))
        share, times = f"{row.patch / row.whole:.1%}", f"{row.make_s:.1f} | {row.apply_s:.2f}"
        lines.append(f"| {row.change} | {row.target} | {row.patch:,} | {share} | {sizes} | {times} |")
    return "\n".join(lines)


def _rows(given: argparse.Namespace, work: Path) -> Iterator[Row]:
    same = QuantizeOptions(calibrate=given.calibrate, images=given.images)
    fewer = QuantizeOptions(calibrate=given.calibrate, images=given.images * 3 // 4)
    first = _variant(given.folder, work / "first", lambda model: None, same)
    changes: list[tuple[str, Change, QuantizeOptions]] = [
        ("nothing but the version", lambda model: None, same),
        ("another calibration", lambda model: None, fewer),
        ("preparation: resize", _resize, same),
        ("one layer in the middle", _layer(0.5), same),
        ("the last layer", _layer(1.0), same),
        ("all weights by 0.1 % of their spread", _all(0.001), same),
        ("all weights by 1 % of their spread", _all(0.01), same),
        ("all weights anew", _all(1.0), same),
    ]
    for number, (name, change, options) in enumerate(changes):
        folder = _variant(given.folder, work / f"change{number}", change, options)
        for target in given.target:
            print(f"{name}, {target}", file=sys.stderr)
            yield _measured(name, target, first, folder, given.keep or work)


def _measured(name: str, target: str, first: Path, folder: Path, keep: Path) -> Row:
    slug = name.replace(" ", "-").replace("%", "").replace(":", "")
    old = make_bundle(first, target, "1.0.0", keep, model="lite0").path
    new = make_bundle(folder, target, f"1.1.0-{slug}", keep, model="lite0").path
    patch, made = keep / f"{slug}-{target}.bsdiff", keep / f"{slug}-{target}.made"
    start = time.perf_counter()
    size = make(old, new, patch)
    between = time.perf_counter()
    apply(old, patch, made, most_bytes=new.stat().st_size)
    end = time.perf_counter()
    made.unlink()
    data = new.read_bytes()
    apply_s = end - between
    packed, packed_xz = len(zlib.compress(data, 9)), len(lzma.compress(data, preset=9))
    return Row(name, target, size, len(data), packed, packed_xz, between - start - apply_s, apply_s)


def _variant(source: Path, folder: Path, change: Change, options: QuantizeOptions) -> Path:
    """A model's folder, quantised anew after the float network was changed."""
    folder.mkdir(parents=True)
    found, float_file = ModelFolder(folder), ModelFolder(source).artifact("onnx", "float").path
    model = onnx.load(str(float_file))
    change(model)
    onnx.save(model, str(found.artifact("onnx", "float").path))
    quantize_files(found, found, options, formats=("onnx", "tflite"))
    return folder


def _resize(model: onnx.ModelProto) -> None:
    for entry in model.metadata_props:
        if entry.key == PREPARATION_KEY:
            before = Preparation.from_json(entry.value)
            entry.value = replace(before, resize=before.resize + 8).to_json()


def _layer(depth: float) -> Change:
    """The weights of one layer by 10 % of their spread. depth: 0 the first, 1 the last."""

    def change(model: onnx.ModelProto) -> None:
        weights = _weights(model)
        _perturb(weights[round(depth * (len(weights) - 1))], 0.1, np.random.default_rng(SEED))

    return change


def _all(share: float) -> Change:
    def change(model: onnx.ModelProto) -> None:
        generator = np.random.default_rng(SEED)
        for tensor in _weights(model):
            _perturb(tensor, share, generator)

    return change


def _weights(model: onnx.ModelProto) -> list[onnx.TensorProto]:
    """Of convolutions and fully connected layers, in the order in which they run."""
    known = {tensor.name: tensor for tensor in model.graph.initializer}
    names = [node.input[1] for node in model.graph.node if node.op_type in ("Conv", "Gemm", "MatMul")]
    return [known[name] for name in names if name in known]


def _perturb(tensor: onnx.TensorProto, share: float, generator: np.random.Generator) -> None:
    values: NDArray[np.float32] = numpy_helper.to_array(tensor)
    noise = generator.standard_normal(values.shape).astype(np.float32) * values.std() * share
    tensor.CopyFrom(numpy_helper.from_array(values + noise, tensor.name))


if __name__ == "__main__":
    raise SystemExit(main())
