"""python3 -m sepia_agent [--root DIR] update|status|rollback|verify|recover

The last line of standard output is one JSON object; lines for people go to standard error. Exit code 0: done, or
nothing to do. 1: something was refused; the object has "error", "kind" and "hint". 2: wrong words, or a bug of ours.
"""

from __future__ import annotations

import argparse
import json
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

from . import __version__
from .clock import utc_now
from .durable import remove
from .errors import Refused
from .layout import Layout
from .lock import WAIT_S, locked
from .recover import recover
from .rollback import rollback
from .status import status
from .verify import verify_current
from .work import Commands, Work, begin_work, say

__all__ = ["main"]

ROOT = "~/.sepia/ship"


def main(words: list[str] | None = None) -> int:
    signal.signal(signal.SIGTERM, _ended)
    asked = _parser().parse_args(words)
    try:
        told = _COMMANDS[asked.command](asked)
    except Refused as refused:
        say(str(refused))
        reason = f"{refused.where}: {refused.what}"
        told = {"ok": False, "error": reason, "hint": refused.hint, "kind": refused.kind}
    print(json.dumps(told, sort_keys=True), flush=True)  # noqa: T201
    return 0 if told.get("ok", True) else 1


def _update(asked: argparse.Namespace) -> dict[str, Any]:
    from .update import update  # and with it TUF's client, which nothing else needs

    layout = Layout(asked.root)
    try:
        outcome = update(asked.root, _source(asked), model=asked.model, again=asked.again, wait_s=asked.wait)
    finally:
        if asked.inbox is not None:
            remove(layout.inbox(asked.inbox))
    return outcome.json()


def _source(asked: argparse.Namespace) -> Any:
    from .config import read_config
    from .fetch import Http, Inbox

    layout = Layout(asked.root)
    config = read_config(layout.config)
    if asked.inbox is not None:
        return Inbox(layout.inbox(asked.inbox))
    if not config.repository:
        hint = "push to it, or install it again with a repository"
        raise Refused(str(layout.config), "names no repository to pull from", kind="config", hint=hint)
    longest = max((followed.timeouts.download for followed in config.models.values()), default=0.0)
    return Http(config.repository, deadline_s=longest or 60.0)


def _status(asked: argparse.Namespace) -> dict[str, Any]:
    return {"ok": True, **status(_work(asked))}


def _rollback(asked: argparse.Namespace) -> dict[str, Any]:
    from .outcome import Outcome

    work = _work(asked)
    return Outcome(work.config.board, (rollback(work, asked.model, asked.to),)).json()


def _verify(asked: argparse.Namespace) -> dict[str, Any]:
    work = _work(asked)
    found = {model: verify_current(work, model) for model in _models(work, asked.model)}
    bad = next(((model, told["reason"]) for model, told in found.items() if not told["ok"]), None)
    told = {"ok": bad is None, "board": work.config.board, "agent": __version__, "models": found}
    if bad is not None:
        told |= {"error": f"{bad[0]}: {bad[1]}", "kind": "digest", "hint": "an update puts it right"}
        say(f"{told['error']}; next: {told['hint']}")
    return told


def _recover(asked: argparse.Namespace) -> dict[str, Any]:
    work = _work(asked)
    for model in _models(work, asked.model):
        folder = work.folder(model)
        with locked(folder.lock, work.wait_s):
            recover(work, folder)
    return {"ok": True, **status(work)}


def _work(asked: argparse.Namespace) -> Work:
    return begin_work(asked.root, Commands(), utc_now, say, asked.wait)


def _models(work: Work, model: str | None) -> list[str]:
    known = sorted({*work.config.models, *work.layout.models()})
    if model is None:
        return known
    if model not in known:
        work.config.followed(model)
    return [model]


_COMMANDS: dict[str, Callable[[argparse.Namespace], dict[str, Any]]] = {
    "update": _update,
    "status": _status,
    "rollback": _rollback,
    "verify": _verify,
    "recover": _recover,
}


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="sepia_agent", description=(__doc__ or "").split("\n\n")[1])
    parser.add_argument("--version", action="version", version=__version__)
    parser.add_argument("--root", type=_folder, default=_folder(ROOT), metavar="DIR", help=f"default: {ROOT}")
    parser.add_argument(
        "--wait", type=float, default=WAIT_S, metavar="S", help=f"for another run to end; default: {WAIT_S:g} s"
    )
    commands = parser.add_subparsers(dest="command", required=True)
    told = commands.add_parser("update", help="bring the models to what the repository offers this board")
    told.add_argument("--inbox", metavar="ID", help="from what was pushed to inbox/ID, which is removed afterwards")
    told.add_argument("--model", metavar="M", help="default: all that are followed")
    told.add_argument("--again", action="store_true", help="take what was refused, given up or held, too")
    commands.add_parser("status", help="what runs, what is kept, how the last look ended")
    told = commands.add_parser("rollback", help="back to a version that is kept; the one left is held")
    told.add_argument("model", metavar="MODEL")
    told.add_argument("--to", metavar="VERSION", help="default: the version before")
    for name, what in (("verify", "read every byte of what runs again"), ("recover", "settle what a power cut left")):
        commands.add_parser(name, help=what).add_argument("--model", metavar="M", help="default: all")
    return parser


def _folder(text: str) -> Path:
    return Path(text).expanduser().absolute()


def _ended(number: int, frame: FrameType | None) -> None:
    """systemd stops it: what was started is ended, and the next start finishes the rest."""
    sys.exit(128 + number)


if __name__ == "__main__":
    sys.exit(main())
