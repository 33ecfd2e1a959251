"""The agent onto a board: its files, the target's runtime, what it follows and whom it trusts, and the units to run it.

The same again with another model adds it; with the same model changes how it is followed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from ..devices.emulator.transport import EmulatorTransport
from ..devices.facts import BoardFacts
from ..devices.probe import probe
from ..devices.provision import Installed as Provisioned
from ..devices.provision import provision, push, remove
from ..devices.target import Target
from ..devices.transport import Transport
from ..devices.transport.program import run_program
from ..devices.wheels import architecture_of as architecture_there
from ..errors import BoardError, ConfigError
from .agent.config import Config, Followed, Runtime, parse_config, write_config
from .agent.errors import Refused
from .agent.manifest import NATIVE
from .agent_files import agent_files
from .architecture import architecture_of
from .systemd import ENABLED, Period, period
from .systemd import units as units_of
from .trust import Trust

__all__ = ["ROOT", "Installed", "Order", "Uninstalled", "install", "uninstall"]

ROOT = "~/.sepia/ship"
"""The agent's folder on a board."""

_ON_BOARD = Path(__file__).resolve().parent / "on_board"
_DEADLINE_S = 300.0

Progress = Callable[[str, int, int], None]
"""What, bytes sent, bytes to send."""


@dataclass(frozen=True)
class Order:
    """What to install. board: its name in roll-outs. repository: an address, "" for a board that is pushed to only.

    every: how often it pulls. root: the agent's folder there. units: whether its systemd is to run it.
    """

    board: str
    model: str
    followed: Followed
    trust: Trust
    repository: str = ""
    every: Period = field(default_factory=lambda: period("15min"))
    root: str = ROOT
    units: bool = True


@dataclass(frozen=True)
class Installed:
    """bytes, sent: of the agent's folder, and what of it had to be sent. runtime: folder there, "" for native.

    placed: "system", "user" or "none": whose systemd runs it. why, commands: what keeps it from better, and what the
    operator can type. notes: what else he should know, a line each.
    """

    root: str
    agent: str
    bytes: int
    sent: int
    runtime: str
    placed: str
    why: str
    commands: tuple[str, ...]
    notes: tuple[str, ...]
    models: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True)
class Uninstalled:
    bytes: int
    files: int
    why: str
    commands: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def install(
    transport: Transport,
    order: Order,
    *,
    cache: Path | None = None,
    progress: Progress = lambda what, sent, total: None,
) -> Installed:
    """Make the board follow `order`. A second time sends nothing that is there.

    Nothing runs with the new agent before all of it is there: one link is switched. Raises BoardError (its Python is
    too old, no runtime for it, another processor, no room …), ConfigError and what `provision` raises.
    """
    facts = probe(transport)
    files = agent_files(facts, cache)
    target = Target.parse(order.followed.target)
    _refuse_other_processor(transport, facts, target)
    runtime = _runtime(transport, facts, target.runtime, cache, progress)
    found = _settle(transport, {"root": order.root})
    pushed = push(
        transport,
        files.files,
        f"{order.root}/agents/{files.name}",
        progress=lambda sent, total: progress("push the agent", sent, total),
    )
    config = _config(transport, facts, order, found["config"], runtime)
    _settle(
        transport,
        {
            "root": order.root,
            "agent": files.name,
            "config": write_config(config).decode(),
            "before": found["config"],
            "trust": order.trust.root.decode(),
        },
    )
    placed = _place_units(transport, facts, found["root"], order, pulls=bool(config.repository))
    return Installed(
        root=found["root"],
        agent=files.name,
        bytes=pushed.bytes,
        sent=pushed.sent,
        runtime=_folder(runtime),
        placed=placed["placed"],
        why=placed["why"],
        commands=tuple(placed["commands"]),
        notes=_notes(facts, target, found, order, config),
        models=tuple(sorted(config.models)),
    )


def uninstall(transport: Transport, root: str = ROOT, *, units: bool = True) -> Uninstalled:
    """Take the units away, then the agent with all models. Runtimes stay: see `sepia devices provision --remove`."""
    found = _settle(transport, {"root": root})
    taken: dict[str, Any] = {"why": "", "commands": []}
    if transport.how == "measured" and units:
        named = units_of("/", "nobody", "/", period("15min"))
        taken = _units(transport, found["root"], dict(named.system), dict(named.user), take_away=True)
    removed = remove(transport, _inside(root))
    return Uninstalled(removed.bytes, removed.files, taken["why"], tuple(taken["commands"]))


def _refuse_other_processor(transport: Transport, facts: BoardFacts, target: Target) -> None:
    """A 64-bit kernel may run 32-bit programs, and a newer core those of an older: golden outputs judge that there."""
    wanted, there = architecture_of(target), architecture_there(facts)
    runs = {there, "armv6l"} if there == "armv7l" else {there}
    if wanted not in runs:
        what = f"'{target}' is built for {wanted}, and its programs are for {there}"
        raise BoardError(transport.name, what, accepted=f"a target whose system is {facts.system}")


def _runtime(
    transport: Transport, facts: BoardFacts, runtime: str, cache: Path | None, progress: Progress
) -> Provisioned | None:
    if runtime == NATIVE:
        return None
    return provision(transport, facts, [runtime], cache=cache, progress=progress)[runtime]


def _folder(runtime: Provisioned | None) -> str:
    return runtime.folder if runtime else ""


def _config(
    transport: Transport, facts: BoardFacts, order: Order, before: str | None, provisioned: Provisioned | None
) -> Config:
    """What is there, with what is ordered in it."""
    config = _read(transport, before) if before is not None else Config(order.board)
    environment = dict(provisioned.environment) if provisioned else {}
    runtime = Target.parse(order.followed.target).runtime
    return replace(
        config,
        board=order.board,
        repository=order.repository or config.repository,
        models={**config.models, order.model: order.followed},
        runtimes={**config.runtimes, runtime: Runtime(facts.python_path, environment)},
        run_with=transport.emulator if isinstance(transport, EmulatorTransport) else (),
    )


def _read(transport: Transport, text: str) -> Config:
    try:
        return parse_config("config.json", text.encode())
    except Refused as refused:
        hint = "sepia ship install --remove, then install it anew"
        raise BoardError(transport.name, f"its config.json {refused.what}", hint=hint) from refused


def _settle(transport: Transport, arguments: Mapping[str, Any]) -> dict[str, Any]:
    return run_program(transport, _ON_BOARD / "settle.py", arguments, deadline=_DEADLINE_S)


def _place_units(transport: Transport, facts: BoardFacts, root: str, order: Order, *, pulls: bool) -> dict[str, Any]:
    """None on an emulated core: what its programs see of systemd is this machine's."""
    if transport.how == "emulated" or not order.units:
        why = "an emulated core has no systemd" if order.units else "it was not asked for"
        return {"placed": "none", "why": why, "commands": []}
    named = units_of(root, facts.user, facts.python_path, order.every)
    return _units(transport, root, dict(named.system), dict(named.user), pulls=pulls)


def _units(
    transport: Transport,
    root: str,
    system: dict[str, str],
    user: dict[str, str],
    *,
    pulls: bool = True,
    take_away: bool = False,
) -> dict[str, Any]:
    enable = [name for name in ENABLED if pulls or not name.endswith(".timer")]
    arguments = {"root": root, "system": system, "user": user, "enable": enable, "remove": take_away}
    return run_program(transport, _ON_BOARD / "units.py", arguments, deadline=_DEADLINE_S)


def _notes(
    facts: BoardFacts, target: Target, found: Mapping[str, Any], order: Order, config: Config
) -> tuple[str, ...]:
    notes = []
    if not target.local and facts.system != target.os:
        notes.append(f"its system is {facts.system}, and '{target}' is for {target.os}: the self-test will judge")
    if found["trust"] not in (None, order.trust.sha256):
        notes.append("it trusted another root before; it was replaced")
    if not config.repository:
        notes.append("it has no repository to pull from: it takes what is pushed")
    return tuple(notes)


def _inside(root: str) -> str:
    """Name inside ~/.sepia, where alone anything may be removed."""
    prefix = "~/.sepia/"
    if not root.startswith(prefix):
        raise ConfigError("--root", f"'{root}' is not inside {prefix}", hint="remove it there by hand")
    return root.removeprefix(prefix)
