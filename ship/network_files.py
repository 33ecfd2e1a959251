"""Which files of a model's folder a target runs, and what goes into them and comes out of them there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from ..check.model_folder import Artifact, Format, ModelFolder
from ..check.network import Network, first_installed, layouts_of, reads
from ..devices.target import Target
from ..runtime import RUNTIMES
from ..runtime.interface import TensorInfo
from .agent.manifest import NATIVE
from .architecture import architecture_of

__all__ = ["PROGRAM", "NetworkFiles", "Part", "network_files"]

PROGRAM = "model.native"
"""Name in a bundle of a network that is a program."""

_FORMATS: Mapping[str, Format] = {".onnx": "onnx", ".tflite": "tflite", ".xml": "openvino"}


@dataclass(frozen=True)
class Part:
    """One file of a bundle. path: in it. source: here. role: one of the agent's ROLES."""

    path: str
    source: Path
    role: str


@dataclass(frozen=True)
class NetworkFiles:
    """parts: what the runtime is given, first. artifact: what gives the same outputs here. tools: that made the parts,
    name → version, beside those of `provenance`.

    inputs, outputs: each with name, shape, dtype, layout ("NHWC", "NCHW", "as is"), and of an integer one scale and
    zero point, else None.
    """

    parts: tuple[Part, ...]
    artifact: Artifact
    inputs: tuple[dict[str, Any], ...]
    outputs: tuple[dict[str, Any], ...]
    tools: Mapping[str, str] = field(default_factory=dict)

    @property
    def native(self) -> bool:
        return self.parts[0].role == "program"


def network_files(folder: ModelFolder, target: Target, work: Path) -> NetworkFiles:
    """The int8 network in the format that the target's runtime prefers; of runtime "native" a program, made in `work`.

    Raises InputError with the command that makes a missing file, and what `write_c` and `build` raise.
    """
    if target.runtime == NATIVE:
        return _program(folder, target, work)
    format_ = _FORMATS[RUNTIMES[target.runtime].suffixes[0]]
    artifact = Artifact(folder.require(format_, "int8"), format_, "int8")
    runtime = first_installed([known for known in RUNTIMES.values() if reads(known, artifact)])
    layouts = layouts_of(artifact.path)
    with Network(runtime, artifact.path) as network:
        parts = tuple(Part(file.name, file, "network") for file in artifact.files)
        return NetworkFiles(parts, artifact, _ends(network.inputs, layouts), _ends(network.outputs, layouts))


def _program(folder: ModelFolder, target: Target, work: Path) -> NetworkFiles:
    """Its inputs and outputs are float32 in ONNX's order of axes, as those of the QDQ file that it is made from."""
    from ..export.onnx_to_c import build, find_compiler, write_c

    onnx, architecture = folder.require("onnx", "int8"), architecture_of(target)
    compiler, version = find_compiler(architecture).version.rsplit(" ", 1)
    written = write_c(onnx, work)
    part = Part(PROGRAM, build(work, architecture), "program")
    inputs, outputs = (
        _ends([TensorInfo(end.name, end.shape, "float32") for end in ends], {})
        for ends in (written.inputs, written.outputs)
    )
    return NetworkFiles((part,), Artifact(onnx, "onnx", "int8"), inputs, outputs, {compiler: version})


def _ends(infos: Sequence[TensorInfo], layouts: Mapping[str, str]) -> tuple[dict[str, Any], ...]:
    return tuple(
        {
            **asdict(info),
            "shape": list(info.shape),
            "layout": layouts.get(info.name, "NCHW" if len(info.shape) == 4 else "as is"),
        }
        for info in infos
    )
