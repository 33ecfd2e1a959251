"""Put the agent's systemd units in their place and start them, or take them away.

Arguments: {"root": the agent's folder, absolute, "system": {name → text}, "user": {name → text}, "enable": names,
"remove": bool}. Answer: {"placed": "system" | "user" | "none", "why": "" or why they are not where they should be,
"commands": what the operator has to type for that}.

For the whole system where this user is root or may be without a password; else as this user's own, which must linger
to run while nobody is logged in; else they are left in ROOT/units with the commands.
"""

from __future__ import annotations

import json
import os
import pwd
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

SYSTEM = Path("/etc/systemd/system")
BOOTED = Path("/run/systemd/system")
PATIENCE = 60.0  # s


class Failed(Exception):
    """What a command said."""


def run(words: list[str], environment: dict[str, str] | None = None) -> None:
    try:
        ran = subprocess.run(
            words,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=PATIENCE,
            env={**os.environ, "LC_ALL": "C", **(environment or {})},
        )
    except FileNotFoundError:
        raise Failed(f"{words[0]} is not installed") from None
    except subprocess.TimeoutExpired:
        raise Failed(f"{shlex.join(words)} did not end") from None
    if ran.returncode:
        lines = ran.stdout.decode("utf-8", "replace").strip().splitlines()
        raise Failed("{}: {}".format(shlex.join(words), lines[-1] if lines else f"code {ran.returncode}"))


def as_root() -> list[str] | None:
    """The words before a command that root must run; None where that needs a password."""
    if os.geteuid() == 0:
        return []
    try:
        run(["sudo", "-n", "true"])
    except Failed:
        return None
    return ["sudo", "-n"]


def write(folder: Path, units: dict[str, str]) -> list[str]:
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in units.items():
        (folder / name).write_text(text, encoding="utf-8")
    return [str(folder / name) for name in units]


# --- for the whole system -------------------------------------------------------------------------------------------


def system_commands(files: list[str], enable: list[str]) -> list[list[str]]:
    return [
        ["install", "-m", "644", *files, str(SYSTEM)],
        ["systemctl", "daemon-reload"],
        ["systemctl", "enable", *enable],
        ["systemctl", "restart", *[name for name in enable if name.endswith(".timer")]],
    ]


def removal_commands(names: list[str], enable: list[str]) -> list[list[str]]:
    return [
        ["systemctl", "disable", "--now", *enable],
        ["rm", "-f", *[str(SYSTEM / name) for name in names]],
        ["systemctl", "daemon-reload"],
    ]


# --- of this user ---------------------------------------------------------------------------------------------------


def user_folder() -> Path:
    return Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config") / "systemd" / "user"


def user_environment() -> dict[str, str]:
    # Not set where SSH runs a command without a session of logind's.
    return {"XDG_RUNTIME_DIR": os.environ.get("XDG_RUNTIME_DIR") or f"/run/user/{os.getuid()}"}


def place_for_user(units: dict[str, str], enable: list[str]) -> None:
    write(user_folder(), units)
    run(["loginctl", "enable-linger", pwd.getpwuid(os.getuid()).pw_name])
    timers = [name for name in enable if name.endswith(".timer")]
    for words in (["daemon-reload"], ["enable", *enable], ["restart", *timers]):
        run(["systemctl", "--user", *words], user_environment())


def remove_of_user(names: list[str], enable: list[str]) -> None:
    if any((user_folder() / name).exists() for name in names):
        run(["systemctl", "--user", "disable", "--now", *enable], user_environment())
        for name in names:
            (user_folder() / name).unlink(missing_ok=True)
        run(["systemctl", "--user", "daemon-reload"], user_environment())


# --- both -----------------------------------------------------------------------------------------------------------


def place(root: Path, system: dict[str, str], user: dict[str, str], enable: list[str]) -> dict[str, Any]:
    if not BOOTED.is_dir():
        return said("none", "it has no systemd")
    prefix = as_root()
    files = write(root / "units", system)
    commands = system_commands(files, enable)
    if prefix is not None:
        remove_of_user(list(user), enable)
        for words in commands:
            run([*prefix, *words])
        return said("system")
    try:
        place_for_user(user, enable)
    except (Failed, OSError) as error:
        for name in user:
            (user_folder() / name).unlink(missing_ok=True)
        why = f"sudo asks for a password, and a unit of the user's own is not possible ({error})"
        return said("none", why, [shlex.join(["sudo", *words]) for words in commands])
    return said("user", "sudo asks for a password")


def take_away(root: Path, names: list[str], enable: list[str]) -> dict[str, Any]:
    shutil.rmtree(root / "units", ignore_errors=True)
    if not BOOTED.is_dir():
        return said("none", "it has no systemd")
    remove_of_user(names, enable)
    if not any((SYSTEM / name).exists() for name in names):
        return said("none")
    prefix = as_root()
    commands = removal_commands(names, enable)
    if prefix is None:
        return said("system", "sudo asks for a password", [shlex.join(["sudo", *words]) for words in commands])
    for words in commands:
        run([*prefix, *words])
    return said("none")


def said(placed: str, why: str = "", commands: list[str] | None = None) -> dict[str, Any]:
    return {"placed": placed, "why": why, "commands": commands or []}


def main() -> int:
    told = json.loads(sys.stdin.buffer.readline())
    root, enable = Path(told["root"]), told["enable"]
    try:
        if told["remove"]:
            answer, code = take_away(root, list(told["system"]), enable), 0
        else:
            answer, code = place(root, told["system"], told["user"], enable), 0
    except (Failed, OSError) as error:
        answer, code = {"error": f"its systemd refused: {error}", "hint": "look at: systemctl status"}, 1
    sys.stdout.write(json.dumps(answer) + "\n")
    return code


if __name__ == "__main__":
    sys.exit(main())
