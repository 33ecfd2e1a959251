"""Look at the agent's folder, or settle an agent in it that was pushed: configuration, root of trust, the link to it.

Arguments: {"root"} to look, and {"agent": name in agents/, "config": text, "before": the text that was found, or null,
"trust": root.json's text} to settle. Answer: {"root": absolute, "agent": name or null, "config": text or null,
"trust": SHA-256 or null, "agents": names}, as it is afterwards.

Everything is written by the agent's own hand (`sepia_agent.durable`): old or new at each moment, whatever happens.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sys
from pathlib import Path
from typing import Any

KEPT_AGENTS = 2
"""One may still run, of an update that began before."""


class Refused(Exception):
    """What is wrong, and what next."""


def look(root: Path) -> dict[str, Any]:
    agents, link = root / "agents", root / "agent"
    return {
        "root": str(root),
        "agent": link.readlink().name if link.is_symlink() else None,
        "config": text_of(root / "config.json"),
        "trust": digest_of(root / "trust" / "root.json"),
        "agents": sorted(path.name for path in agents.glob("[!.]*")) if agents.is_dir() else [],
    }


def text_of(path: Path) -> str | None:
    return path.read_text(encoding="utf-8") if path.is_file() else None


def digest_of(path: Path) -> str | None:
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else None


def settle(root: Path, agent: str, config: str, before: str | None, trust: str) -> None:
    sys.path.insert(0, str(root / "agents" / agent))
    from sepia_agent import durable, lock  # type: ignore[import-not-found, unused-ignore]

    with lock.locked(root / "lock"):
        if text_of(root / "config.json") != before:
            raise Refused("its configuration was changed meanwhile", "run the same command again")
        durable.make_folder(root / "trust")
        if text_of(root / "trust" / "root.json") != trust:
            durable.write_file(root / "trust" / "root.json", trust.encode())
        if before != config:
            durable.write_file(root / "config.json", config.encode())
        if os.path.lexists(root / "agent") and not (root / "agent").is_symlink():
            raise Refused("{} is no link".format(root / "agent"), "move it away")
        durable.point(root / "agent", "agents/" + agent)
    forget(root / "agents", agent)


def forget(agents: Path, agent: str) -> None:
    """Remove the oldest agents."""
    others = [path for path in agents.iterdir() if path.name != agent and not path.name.startswith(".")]
    others.sort(key=lambda path: path.stat().st_mtime, reverse=True)
    for path in others[KEPT_AGENTS - 1 :]:
        shutil.rmtree(path, ignore_errors=True)


def answer(arguments: dict[str, Any]) -> dict[str, Any]:
    root = Path(arguments.pop("root")).expanduser().absolute()
    if arguments:
        settle(root, **arguments)
    return look(root)


def main() -> int:
    try:
        said, code = answer(json.loads(sys.stdin.buffer.readline())), 0
    except Refused as refused:
        said, code = {"error": refused.args[0], "hint": refused.args[1]}, 1
    except OSError as error:
        said, code = {"error": f"{error.filename} ({error.strerror or error})", "hint": ""}, 1
    except Exception as error:
        if not hasattr(error, "kind"):
            raise
        said, code = {"error": str(error), "hint": ""}, 1
    sys.stdout.write(json.dumps(said) + "\n")
    return code


if __name__ == "__main__":
    sys.exit(main())
