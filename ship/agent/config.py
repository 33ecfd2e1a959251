"""What this board follows and how it runs things: config.json, written by who installed the agent.

    {"schema": 1, "board": "kitchen", "repository": "https://models.example/repo", "run_with": [],
     "models": {"lite0": {"target": "pi4-bookworm64-litert-t4", "channel": "stable", "keep": 3,
                          "health": ["/usr/local/bin/camera-works"], "reload": [],
                          "timeouts": {"health": 60, "reload": 30, "selftest": 300, "download": 3600}}},
     "runtimes": {"litert": {"python": "/usr/bin/python3", "environment": {"PYTHONPATH": "/home/pi/.sepia/…"}}}}

Commands are lists of words, without a shell. All but schema, board and a model's target have a default.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from .errors import Refused
from .strict_json import Reader, parsed

__all__ = ["Config", "Followed", "Runtime", "Timeouts", "parse_config", "read_config", "write_config"]

SCHEMA = 1
_KIND = "config"
_MODEL = re.compile(r"[a-z0-9][a-z0-9.-]{0,63}")
_TARGET = re.compile(r"[a-z0-9][a-z0-9.-]{0,127}")


@dataclass(frozen=True)
class Timeouts:
    """Seconds, > 0: of the health and the reload command, of a self-test, of a download."""

    health: float = 60.0
    reload: float = 30.0
    selftest: float = 300.0
    download: float = 3600.0


@dataclass(frozen=True)
class Followed:
    """keep: versions that lie here at most, ≥ 2. health: the operator's command that says whether the application
    does well with what is current. reload: the one that tells it of a switch; () for none.
    """

    target: str
    channel: str = "stable"
    keep: int = 3
    health: tuple[str, ...] = ()
    reload: tuple[str, ...] = ()
    timeouts: Timeouts = Timeouts()


@dataclass(frozen=True)
class Runtime:
    """python: the interpreter that the runtime is installed for. environment: added to what a program gets."""

    python: str = "/usr/bin/python3"
    environment: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Config:
    """board: the name by which it is in a roll-out or not. repository: an http(s) address, "" where bundles are pushed.

    run_with: words before each command that the agent starts.
    """

    board: str
    repository: str = ""
    models: Mapping[str, Followed] = field(default_factory=dict)
    runtimes: Mapping[str, Runtime] = field(default_factory=dict)
    run_with: tuple[str, ...] = ()

    def followed(self, model: str) -> Followed:
        """Raises Refused if the board does not follow it."""
        if model not in self.models:
            told = ", ".join(sorted(self.models)) or "none"
            raise Refused(self.board, f"does not follow {model[:80]!a}", kind="config", hint=f"models followed: {told}")
        return self.models[model]


def read_config(path: Path) -> Config:
    """Raises Refused of kind "config" that names the field."""
    try:
        data = path.read_bytes()
    except OSError as error:
        what, hint = error.strerror or str(error), "install the agent again"
        raise Refused(str(path), what, kind=_KIND, hint=hint) from error
    return parse_config(str(path), data)


def parse_config(where: str, data: bytes) -> Config:
    """where: for errors, which are those of `read_config`."""
    told = parsed(where, data, _KIND)
    if told.whole("schema") != SCHEMA:
        raise told.refused("schema", f"is not {SCHEMA}", "install a newer agent")
    config = Config(
        board=told.text("board"),
        repository=told.text("repository", ""),
        models=_models(told.object("models")),
        runtimes=_runtimes(told.object("runtimes")),
        run_with=told.words("run_with"),
    )
    told.end()
    if not config.board:
        raise told.refused("board", "is empty")
    if config.repository and not config.repository.startswith(("https://", "http://")):
        raise told.refused("repository", f"is {config.repository[:80]!a}", "accepted: an http or https address")
    return config


def write_config(config: Config) -> bytes:
    return json.dumps({"schema": SCHEMA, **asdict(config)}, indent=1, sort_keys=True).encode() + b"\n"


def _models(told: Reader) -> dict[str, Followed]:
    models = {name: _followed(name, told, told.object(name)) for name in told.names()}
    told.end()
    return models


def _followed(name: str, above: Reader, told: Reader) -> Followed:
    if not _MODEL.fullmatch(name):
        raise above.refused(name, "is no model's name", f"accepted: {_MODEL.pattern}")
    followed = Followed(
        target=told.text("target"),
        channel=told.text("channel", "stable"),
        keep=told.whole("keep", 2, 3),
        health=told.words("health"),
        reload=told.words("reload"),
        timeouts=_timeouts(told.object("timeouts")),
    )
    told.end()
    for what, text, form in (("target", followed.target, _TARGET), ("channel", followed.channel, _MODEL)):
        if not form.fullmatch(text):
            raise told.refused(what, f"is {text[:80]!a}", f"accepted: {form.pattern}")
    return followed


def _timeouts(told: Reader) -> Timeouts:
    default = Timeouts()
    timeouts = Timeouts(
        health=told.number("health", default.health),
        reload=told.number("reload", default.reload),
        selftest=told.number("selftest", default.selftest),
        download=told.number("download", default.download),
    )
    told.end()
    return timeouts


def _runtimes(told: Reader) -> dict[str, Runtime]:
    runtimes = {name: _runtime(told.object(name)) for name in told.names()}
    told.end()
    return runtimes


def _runtime(told: Reader) -> Runtime:
    runtime = Runtime(told.text("python", Runtime.python), told.texts("environment"))
    told.end()
    return runtime
