"""A version that is worse than it says: the good one's golden outputs beside a network whose weights were spoilt.

It stands for what nobody wants to ship: a broken conversion, a wrong file in the right place. It is well-formed and
can be signed; only the board that runs it can tell.
"""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

from ..check.model_folder import ModelFolder
from ..devices.target import Target
from ..errors import InputError
from ..files import digest
from ..runtime import RUNTIMES
from .agent.archive import pack, unpack
from .agent.manifest import NATIVE, Manifest
from .host_error import host_error
from .network_files import network_files

__all__ = ["make_worse"]


def make_worse(good: Path, folder: Path, version: str, into: Path) -> tuple[Path, str]:
    """Write the bundle `version` into the folder `into`; its path, and what is wrong with it.

    good: a bundle that was made of the model's folder `folder`. Raises InputError (no weights to spoil, the folder's
    files), OutputError, and what translating the network raises.
    """
    with tempfile.TemporaryDirectory(prefix="sepia-worse-") as made, host_error():
        work, bundle = Path(made), Path(made) / "bundle"
        manifest = unpack(good, bundle)
        target = Target.parse(manifest.target)
        spoilt, what = _spoilt(folder, target, work)
        found = network_files(ModelFolder(spoilt), target, _empty(work / "build"))
        for part in found.parts:
            shutil.copyfile(part.source, bundle / part.path)
        worse = _described(manifest, bundle, version)
        into.mkdir(parents=True, exist_ok=True)
        path = into / f"{manifest.model}-{version}-{manifest.target}.sepia"
        path.unlink(missing_ok=True)
        pack(worse, bundle, path)
    return path, what


def _described(manifest: Manifest, bundle: Path, version: str) -> Manifest:
    """With the digests of the files as they are now."""
    files = tuple(
        replace(file, bytes=(bundle / file.path).stat().st_size, sha256=digest(bundle / file.path))
        for file in manifest.files
    )
    return replace(manifest, version=version, files=files)


def _spoilt(folder: Path, target: Target, work: Path) -> tuple[Path, str]:
    """A model's folder with the network alone, spoilt, in the format that the target's runtime takes."""
    good, bad = ModelFolder(folder), ModelFolder(_empty(work / "model"))
    onnx = bad.artifact("onnx", "int8").path
    what = _spoil(good.require("onnx", "int8"), onnx)
    suffix = ".onnx" if target.runtime == NATIVE else RUNTIMES[target.runtime].suffixes[0]
    if suffix == ".tflite":
        from ..export.onnx_to_tflite import onnx_to_tflite

        inputs = network_files(good, target, work).inputs
        io: Literal["float", "int8"] = "float" if inputs[0]["dtype"] == "float32" else "int8"
        onnx_to_tflite(onnx, bad.artifact("tflite", "int8").path, io=io)
    if suffix == ".xml":
        from ..export.onnx_to_openvino import onnx_to_openvino

        onnx_to_openvino(onnx, bad.artifact("openvino", "int8").path)
    return bad.path, what


def _empty(folder: Path) -> Path:
    folder.mkdir(parents=True)
    return folder


def _spoil(network: Path, into: Path) -> str:
    """The largest weights in the wrong order: the last channel's in the place of the first."""
    import onnx
    from onnx import numpy_helper

    model = onnx.load(str(network))
    weights = [one for one in model.graph.initializer if len(one.dims) >= 2 and one.dims[0] > 1 and _is_int8(one)]
    if not weights:
        raise InputError(str(network), "has no int8 weights", hint="sepia quantize makes them")
    largest = max(weights, key=lambda one: len(one.raw_data))
    array = numpy_helper.to_array(largest)
    largest.CopyFrom(numpy_helper.from_array(array[::-1].copy(), largest.name))
    onnx.save(model, str(into))
    return f"the {array.shape[0]} channels of its largest weights ({array.size} of them) are in the wrong order"


def _is_int8(tensor: Any) -> bool:
    import onnx

    return tensor.data_type in (onnx.TensorProto.INT8, onnx.TensorProto.UINT8)
