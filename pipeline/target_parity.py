"""What a board's runtimes compute, against this machine's: layer by layer in LSB, whole networks bit for bit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..check.difference import CodeDifference
from ..check.layers import LayerParity
from ..check.packed_layers import PackedLayer
from ..check.packed_networks import NetworkDifference, PackedNetwork
from ..check.verdict import GOALS, Goal, ParityVerdict, verdicts
from ..errors import RunError
from .target_layers import RanThere

__all__ = ["LayerOnTarget", "NetworkOnTarget", "layer_on_target", "network_on_target", "target_verdicts"]

_GOALS: Mapping[str, Goal] = {
    **GOALS,
    # Its kernels of two processors round their sums apart from one another, as two runtimes' do.
    "onnxruntime": GOALS["litert"],
}


@dataclass(frozen=True)
class LayerOnTarget:
    """One layer in one runtime of a board. here: against the same runtime on this machine; None where it isn't
    installed. reference: against ONNX Runtime on this machine.

    instructions: of one inference of the layer's own file by kind, on an emulated core. failure: why it gave nothing.
    """

    runtime: str
    layer: str
    op: str
    kind: str
    here: CodeDifference | None = None
    reference: CodeDifference = field(default_factory=CodeDifference)
    instructions: Mapping[str, int] | None = None
    failure: str = ""

    def to_json(self) -> dict[str, Any]:
        told = {"runtime": self.runtime, "layer": self.layer, "op": self.op, "kind": self.kind}
        return {
            **told,
            "here": None if self.here is None else _difference(self.here),
            "reference": _difference(self.reference),
            "instructions": None if self.instructions is None else dict(self.instructions),
            "failure": self.failure,
        }


@dataclass(frozen=True)
class NetworkOnTarget:
    """One whole file in one runtime of a board, against the same runtime here; None where it isn't installed here."""

    runtime: str
    file: str
    difference: NetworkDifference | None = None
    instructions: Mapping[str, int] | None = None
    failure: str = ""

    def to_json(self) -> dict[str, Any]:
        return {
            "runtime": self.runtime,
            "file": self.file,
            "difference": None if self.difference is None else self.difference.to_json(),
            "instructions": None if self.instructions is None else dict(self.instructions),
            "failure": self.failure,
        }


def layer_on_target(packed: PackedLayer, ran: RanThere | None) -> LayerOnTarget:
    """ran: None where nothing was packed."""
    layer = packed.layer
    told = (packed.runtime, layer.name, layer.op, str(layer.kind))
    if ran is None or ran.outputs is None:
        return LayerOnTarget(*told, failure=packed.failure if ran is None else ran.failure)
    try:
        here, reference = packed.compare(ran.outputs)
    except RunError as error:
        return LayerOnTarget(*told, failure=str(error))
    return LayerOnTarget(*told, here, reference, _by_kind(ran))


def network_on_target(packed: PackedNetwork, ran: RanThere | None) -> NetworkOnTarget:
    """ran: None where nothing was packed."""
    told = (packed.runtime, packed.file.path.name)
    if ran is None or ran.outputs is None:
        return NetworkOnTarget(*told, failure=packed.failure if ran is None else ran.failure)
    try:
        return NetworkOnTarget(*told, packed.compare(ran.outputs), _by_kind(ran))
    except RunError as error:
        return NetworkOnTarget(*told, failure=str(error))


def target_verdicts(rows: Sequence[LayerOnTarget]) -> tuple[ParityVerdict, ...]:
    """One a runtime, against the reference: whether rounding explains every layer."""
    return verdicts([_parity(row) for row in rows], _GOALS)


def _parity(row: LayerOnTarget) -> LayerParity:
    found = row.reference
    told = (row.layer, row.op, row.kind, row.runtime)
    return LayerParity(*told, found.codes, found.equal, found.max_lsb, float_ops=None, failure=row.failure)


def _by_kind(ran: RanThere) -> Mapping[str, int] | None:
    return None if ran.counts is None else ran.counts.by_kind()


def _difference(found: CodeDifference) -> dict[str, Any]:
    return {"codes": found.codes, "equal": found.equal, "max_lsb": found.max_lsb}
