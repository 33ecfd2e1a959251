"""`sepia check --target`: a board's runtimes against this machine's → `check.<board>.json`."""

from __future__ import annotations

import json
import secrets
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..check.model_facts import model_facts
from ..check.model_folder import Artifact, ModelFolder, network_digests
from ..check.sample_inputs import sample_inputs
from ..devices.facts import BoardFacts
from ..devices.place import Place
from ..devices.probe import probe
from ..devices.provision import provision, push_program, remove
from ..devices.reach import reach
from ..devices.transport import Transport
from ..devices.wheels import runs_on
from ..errors import BoardError, ConfigError
from ..files import write_text
from ..inputs.calibration import CalibrationData
from ..runtime import RUNTIMES, runtime_named
from .progress import Report, silent
from .target_layers import BoardRuntime, RanThere, run_packed

if TYPE_CHECKING:
    from ..check.packed import Packed
    from ..check.packed_layers import PackedLayer
    from ..check.packed_networks import NetworkDifference, PackedNetwork
    from ..check.verdict import ParityVerdict
    from .target_parity import LayerOnTarget, NetworkOnTarget

__all__ = ["CheckedTarget", "Parity", "check_target", "parity_on"]


@dataclass(frozen=True)
class Parity:
    """What several runtimes of one board gave."""

    layers: tuple[LayerOnTarget, ...]
    networks: tuple[NetworkOnTarget, ...]
    verdicts: tuple[ParityVerdict, ...]

    @property
    def agrees(self) -> bool:
        """Rounding explains every layer, and every whole network ran."""
        return all(verdict.passed for verdict in self.verdicts) and not any(row.failure for row in self.networks)


@dataclass(frozen=True)
class CheckedTarget:
    """board: its label and system. how: "measured" or "emulated". digests: of the files that were checked."""

    board: str
    how: str
    data: str
    digests: dict[str, str]
    parity: Parity

    @property
    def agrees(self) -> bool:
        return self.parity.agrees

    def to_json(self) -> dict[str, Any]:
        return {
            "board": self.board,
            "how": self.how,
            "data": self.data,
            "digests": self.digests,
            "agrees": self.agrees,
            "verdicts": [verdict.to_json() for verdict in self.parity.verdicts],
            "networks": [row.to_json() for row in self.parity.networks],
            "layers": [row.to_json() for row in self.parity.layers],
        }

    def to_text(self) -> str:
        title = self.board + (" (emulated)" if self.how == "emulated" else "")
        lines = [f"{title}, layer by layer: of the codes, how many are equal to this machine's"]
        lines.append(
            f"{'runtime':<16} {'layers':>6} {'same runtime':>13} {'max LSB':>8} {'ONNX Runtime':>13} {'max LSB':>8}"
        )
        for verdict in self.parity.verdicts:
            lines.append(_line(verdict, self.parity.layers))
            lines += [f"    {layer}: {reason}" for layer, reason in verdict.broken.items()]
        lines += ["", "whole networks, bit for bit against the same runtime here"]
        return "\n".join([*lines, *map(_network, self.parity.networks)])


def check_target(
    folder: ModelFolder,
    place: Place,
    *,
    runtimes: Sequence[str] | None = None,
    calibrate: Path | None = None,
    samples: int = 2,
    progress: Report = silent,
) -> CheckedTarget:
    """Compare every runtime that has a wheel for the board (or those named) and write `check.<board>.json`.

    calibrate, samples: as of `check_files`. Raises what probing, provisioning and running on the board raise, and
    InputError, ConfigError, RunError and OutputError.
    """
    if place.kind == "host":
        raise ConfigError(place.text, "is this machine", hint="leave --target out to compare its runtimes")
    onnx = folder.require("onnx", "float")
    folder.require("onnx", "int8")
    data = sample_inputs(calibrate, model_facts(onnx), limit=samples)
    artifacts = tuple(artifact for artifact in folder.artifacts() if artifact.precision == "int8")
    with reach(place) as transport:
        progress(f"{place.label}: probe", 0, 0)
        facts = probe(transport)
        names = _runtimes(place, facts, runtimes)
        installed = provision(transport, facts, names, progress=progress)
        program = push_program(transport)
        there = [BoardRuntime(name, program, environment=installed[name].environment) for name in names]
        parity = parity_on(transport, there, folder, artifacts, data, samples=samples, progress=progress)
    board = f"{place.label}-{facts.system}"
    found = CheckedTarget(board, transport.how, data.name, network_digests(artifacts), parity)
    write_text(folder.path / f"check.{board}.json", json.dumps(found.to_json(), indent=1) + "\n")
    return found


def parity_on(
    transport: Transport,
    runtimes: Sequence[BoardRuntime],
    folder: ModelFolder,
    artifacts: Sequence[Artifact],
    data: CalibrationData,
    *,
    samples: int = 2,
    progress: Report = silent,
) -> Parity:
    """Every layer of the folder's QDQ file and each of `artifacts`, whole, in each of `runtimes` on the board.

    What was pushed is removed at the end. Raises as `run_packed` and `pack_layers`.
    """
    from ..check.packed_layers import pack_layers
    from ..check.packed_networks import pack_networks
    from .target_parity import layer_on_target, network_on_target, target_verdicts

    names = [each.runtime for each in runtimes]
    run = f"runs/check-{secrets.token_hex(6)}"
    with tempfile.TemporaryDirectory(prefix="sepia-") as temporary:
        here = Path(temporary)
        qdq = folder.require("onnx", "int8")
        layers = pack_layers(
            qdq, names, data, here / "layers", samples=samples, progress=lambda _, *done: progress("layers", *done)
        )
        networks = pack_networks(artifacts, names, data, here / "whole", samples=samples)
        everything: list[PackedLayer | PackedNetwork] = [*networks, *layers]
        packed = {_key(each.packed): each.packed for each in everything if each.packed is not None}
        try:
            ran: dict[str, RanThere] = {}
            for each in runtimes:
                progress(f"{transport.name}: {each.runtime}", 0, 0)
                mine = {key: one for key, one in packed.items() if key.startswith(f"{each.runtime}.")}
                there = f"~/.sepia/{run}/{each.runtime}"
                ran |= run_packed(transport, each, mine, there, here / "back" / each.runtime)
        finally:
            # A board that was lost is told by what lost it.
            with suppress(BoardError):
                remove(transport, run)
        found_layers = tuple(layer_on_target(each, _ran(each.packed, ran)) for each in layers)
        found_networks = tuple(network_on_target(each, _ran(each.packed, ran)) for each in networks)
    return Parity(found_layers, found_networks, target_verdicts(found_layers))


def _runtimes(place: Place, facts: BoardFacts, asked: Sequence[str] | None) -> tuple[str, ...]:
    """Those asked for, else those with a wheel there. Raises ConfigError with the reason of one that has none."""
    chosen = asked or ([place.runtime] if place.runtime else [])
    named = tuple(runtime_named(name).name for name in chosen)
    verdicts = {name: runs_on(name, facts) for name in named or RUNTIMES}
    found = tuple(name for name, verdict in verdicts.items() if verdict.ok)
    if not found or (named and len(found) < len(named)):
        refused = [verdict for verdict in verdicts.values() if not verdict.ok]
        reasons = "; ".join(dict.fromkeys(verdict.reason for verdict in refused))
        raise ConfigError(place.text, reasons, accepted=next((each.nearest for each in refused if each.nearest), ""))
    return found


def _key(packed: Packed) -> str:
    """Its name on the board: "litert.017", "litert.whole-int8"."""
    return f"{packed.folder.parent.name}.{packed.folder.name}"


def _ran(packed: Packed | None, ran: Mapping[str, RanThere]) -> RanThere | None:
    return None if packed is None else ran[_key(packed)]


def _line(verdict: ParityVerdict, rows: Sequence[LayerOnTarget]) -> str:
    mine = [row for row in rows if row.runtime == verdict.runtime]
    known = [row.here for row in mine if row.here is not None]
    codes, equal = sum(each.codes for each in known), sum(each.equal for each in known)
    most = max((each.max_lsb for each in known), default=0)
    same = f"{equal / codes:>13.4%} {most:>8}" if codes else f"{'not here':>13} {'':>8}"
    told = "as rounding explains" if verdict.passed else "DIFFERS"
    return f"{verdict.runtime:<16} {verdict.layers:>6} {same} {verdict.share:>13.4%} {verdict.max_lsb:>8}  {told}"


def _network(row: NetworkOnTarget) -> str:
    head = f"{row.runtime:<16} {row.file:<20} "
    if row.failure:
        return f"{head}failed: {row.failure}"
    told = "not here to compare with" if row.difference is None else _apart(row.difference)
    total = "" if row.instructions is None else f"  {sum(row.instructions.values()) / 1e6:.1f} M instructions"
    return head + told + total


def _apart(found: NetworkDifference) -> str:
    equal = f"{found.equal} of {found.values} equal, rms {found.rms:.3g} and at most {found.max_abs:.3g} off"
    return f"{'identical' if found.identical else equal}, first class agrees {found.agreement:.0%}"
