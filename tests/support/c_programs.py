"""Generated C, built for this machine and run; several small networks are one program, since each costs a build."""

from __future__ import annotations

import json
import platform
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import compose
from sepia.errors import RuntimeUnavailable
from sepia.export.onnx_to_c import Written, build, find_compiler, write_c
from sepia.graph.qdq import QuantizedModel, read_qdq

from .needs import lacking
from .passes import loaded
from .plain_codes import dequantised_outputs
from .qdq_layers import QdqBuilder

__all__ = ["CProgram", "compiler_for", "differences", "made", "merged"]

_DEADLINE_S = 120.0
Arrays = dict[str, NDArray[np.float32]]


def compiler_for(architecture: str) -> None:
    """Skip where there is none (fail where CI is set)."""
    try:
        find_compiler(architecture)
    except RuntimeUnavailable as error:
        lacking(str(error))


@dataclass(frozen=True)
class CProgram:
    """path: built. written: what it was built from. prefix: words before each command, of an emulated core."""

    path: Path
    written: Written
    prefix: tuple[str, ...] = ()

    def start(self, data: bytes, *options: str) -> subprocess.CompletedProcess[bytes]:
        command = [*self.prefix, str(self.path), *options]
        return subprocess.run(command, input=data, capture_output=True, timeout=_DEADLINE_S, check=False)

    def run(self, samples: Sequence[Arrays]) -> tuple[list[Arrays], dict[str, Any]]:
        """Outputs of each sample, and what it told."""
        ran = self.start(b"".join(self.packed(sample) for sample in samples))
        assert ran.returncode == 0, ran.stderr
        size = self.written.output_bytes
        assert len(ran.stdout) == size * len(samples)
        pieces = [ran.stdout[at : at + size] for at in range(0, len(ran.stdout), size)]
        return [self._unpacked(piece) for piece in pieces], json.loads(ran.stderr)

    def packed(self, sample: Arrays) -> bytes:
        return b"".join(sample[end.name].astype("<f4").tobytes() for end in self.written.inputs)

    def _unpacked(self, data: bytes) -> Arrays:
        found, values = {}, np.frombuffer(data, "<f4")
        for end in self.written.outputs:
            found[end.name], values = values[: prod(end.shape)].reshape(end.shape), values[prod(end.shape) :]
        return found


def made(source: Path | QuantizedModel, folder: Path) -> CProgram:
    """Written into `folder` and built for this machine."""
    compiler_for(platform.machine())
    written = write_c(source, folder)
    return CProgram(build(folder, platform.machine()), written)


def merged(networks: Mapping[str, tuple[QdqBuilder, str]]) -> QuantizedModel:
    """Networks and their outputs as one view; each value's name has the network's before it."""
    protos = [compose.add_prefix(net.proto(out), f"{name}/") for name, (net, out) in networks.items()]
    whole = protos[0]
    for other in protos[1:]:
        whole.graph.node.extend(other.graph.node)
        whole.graph.initializer.extend(other.graph.initializer)
        whole.graph.input.extend(other.graph.input)
        whole.graph.output.extend(other.graph.output)
        whole.graph.value_info.extend(other.graph.value_info)
    return read_qdq(loaded(whole))


def differences(quantized: QuantizedModel, folder: Path, *, samples: int = 1, seed: int = 0) -> dict[str, int]:
    """Output → elements at which the program differs from plain NumPy. Inputs reach beyond what codes can hold."""
    program = made(quantized, folder)
    rng = np.random.default_rng(seed)
    drawn = [
        {end.name: (rng.uniform(-300, 300, end.shape) * end.scale).astype(np.float32) for end in program.written.inputs}
        for _ in range(samples)
    ]
    outputs, _ = program.run(drawn)
    wrong: dict[str, int] = {}
    for sample, found in zip(drawn, outputs, strict=True):
        for name, wanted in dequantised_outputs(quantized, sample).items():
            assert wanted.shape == found[name].shape
            wrong[name] = wrong.get(name, 0) + int((wanted != found[name]).sum())
    return wrong
