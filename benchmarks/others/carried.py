"""One tool's file: taken over, each layer compared on the same codes, whole outputs compared with its own ONNX."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sepia.check.layers import check_layers
from sepia.check.model_folder import ModelFolder
from sepia.check.network import Network
from sepia.check.verdict import verdicts
from sepia.errors import SepiaError
from sepia.pipeline.adopt_files import adopt_files
from sepia.runtime import RUNTIMES

__all__ = ["Carried", "carry"]

_ENGINES = {"tflite": "litert", "openvino": "openvino"}


@dataclass
class Carried:
    """tool, method, network, version: who made it. refused: the reason; then nothing else is filled in.

    told: what Sepia changed in it. layers: engine → (layers compared, share of equal codes, greatest difference in
    LSB, whether rounding explains it). in_float: engine → layers that ran in float. rms: engine → against the tool's
    own ONNX in ONNX Runtime. float_rms: the same and that file ("own") against the float network.
    """

    tool: str
    method: str
    network: str
    version: str
    refused: str = ""
    told: tuple[str, ...] = ()
    layers: dict[str, tuple[int, float, int, bool]] = field(default_factory=dict)
    in_float: dict[str, int] = field(default_factory=dict)
    rms: dict[str, float] = field(default_factory=dict)
    float_rms: dict[str, float] = field(default_factory=dict)

    def write(self, path: Path) -> None:
        path.write_text(json.dumps(asdict(self), indent=1) + "\n", encoding="utf-8")

    @staticmethod
    def read(path: Path) -> Carried:
        return Carried(**json.loads(path.read_text(encoding="utf-8")))


def carry(found: Carried, theirs: Path, real: Path | None, photos: NDArray[np.float32], folder: Path) -> Carried:
    """Fill in `found`. theirs: the tool's own ONNX. real: the float network. photos: [N, C, H, W], prepared."""
    models = ModelFolder(folder)
    try:
        found.told = adopt_files(theirs, models, ("onnx", "tflite", "openvino")).told
    except SepiaError as error:
        found.refused = str(error).replace(str(theirs), theirs.name)
        return found
    own = _outputs("onnxruntime", theirs, photos)
    wanted = None if real is None else _outputs("onnxruntime", real, photos)
    if wanted is not None:
        found.float_rms["own"] = _rms(own, wanted)
    for format_, engine in _ENGINES.items():
        outputs = _outputs(engine, models.artifact(format_, "int8").path, photos)  # type: ignore[arg-type]
        found.rms[engine] = _rms(outputs, own)
        if wanted is not None:
            found.float_rms[engine] = _rms(outputs, wanted)
    qdq = models.artifact("onnx", "int8").path
    sample = {_input(qdq): photos[:1]}
    for verdict in verdicts(check_layers(qdq, ("onnxruntime", *_ENGINES.values()), [sample], samples=1)):
        found.layers[verdict.runtime] = (verdict.layers, verdict.share, verdict.max_lsb, verdict.passed)
        found.in_float[verdict.runtime] = len(verdict.float_layers)
    return found


def _input(path: Path) -> str:
    import onnx

    return str(onnx.load(path, load_external_data=False).graph.input[0].name)


def _outputs(engine: str, path: Path, photos: NDArray[np.float32]) -> NDArray[np.float32]:
    name = _input(path) if path.suffix == ".onnx" else "input"
    with Network(RUNTIMES[engine], path) as network:
        return np.concatenate([network.run({name: photo[None]})[0] for photo in photos])


def _rms(found: NDArray[Any], wanted: NDArray[Any]) -> float:
    return float(np.sqrt(np.mean(np.square(found.astype(np.float64) - wanted))))
