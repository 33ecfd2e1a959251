"""The units that run the agent on a board: a timer that pulls, and a look at what a power cut left, at each boot.

Options as in systemd.exec(5), systemd.timer(5) and systemd.time(7) of systemd 247 (Debian 11) and later.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from ..errors import ConfigError

__all__ = ["ENABLED", "Period", "Units", "period", "units"]

ENABLED = ("sepia-ship.timer", "sepia-ship-recover.service")
"""What is switched on; the service is started by its timer."""

_ACCEPTED = "10min, 15min, 1h, 6h, 1d: what divides an hour or a day"


@dataclass(frozen=True)
class Period:
    """calendar: for OnCalendar=. seconds: its length."""

    calendar: str
    seconds: int


@dataclass(frozen=True)
class Units:
    """Name → text: for the whole system, and as the login user's own."""

    system: Mapping[str, str]
    user: Mapping[str, str]


def period(text: str) -> Period:
    """Read "15min". A calendar's times alone are caught up with after a night without power (`Persistent=`).

    Raises ConfigError for what does not divide an hour or a day.
    """
    found = re.fullmatch(r"(\d{1,4}) ?(min|m|h|d)", text.strip())
    number, unit = (int(found[1]), found[2][0]) if found else (0, "")
    if unit == "m" and 0 < number < 60 and 60 % number == 0:
        return Period(f"*:0/{number}", 60 * number)
    if (unit, number) in (("m", 60), ("h", 1)):
        return Period("hourly", 3600)
    if unit == "h" and 0 < number < 24 and 24 % number == 0:
        return Period(f"0/{number}:00", 3600 * number)
    if (unit, number) in (("h", 24), ("d", 1)):
        return Period("daily", 86400)
    raise ConfigError("--every", f"'{text}' is no period that a calendar has", accepted=_ACCEPTED)


def units(root: str, user: str, python: str, every: Period, deadline_s: float = 7200.0) -> Units:
    """For the agent in `root` (absolute), run by `user` with `python` (absolute). deadline_s: of one update."""
    return Units(
        system={
            "sepia-ship.service": _service(root, python, ["update"], deadline_s, user),
            "sepia-ship.timer": _timer(every),
            "sepia-ship-recover.service": _at_boot(root, python, user),
        },
        user={
            "sepia-ship.service": _service(root, python, ["update"], deadline_s, None),
            "sepia-ship.timer": _timer(every),
            "sepia-ship-recover.service": _at_boot(root, python, None),
        },
    )


def _service(root: str, python: str, command: Sequence[str], deadline_s: float, user: str | None) -> str:
    network = ["Wants=network-online.target", "After=network-online.target"] if user else []
    return _text(
        {
            "Unit": [
                "Description=Sepia: take the models that are offered, signed and tested on this board",
                "After=sepia-ship-recover.service",
                *network,
                *_mounted(root, user),
            ],
            "Service": [
                "Type=oneshot",
                f"ExecStart={_command(root, python, command)}",
                f"TimeoutStartSec={deadline_s:.0f}",
                *_confined(root, user),
            ],
        }
    )


def _at_boot(root: str, python: str, user: str | None) -> str:
    return _text(
        {
            "Unit": ["Description=Sepia: finish or undo what a power cut interrupted", *_mounted(root, user)],
            "Service": [
                "Type=oneshot",
                f"ExecStart={_command(root, python, ['recover'])}",
                "TimeoutStartSec=300",
                *_confined(root, user),
            ],
            "Install": [f"WantedBy={'multi-user.target' if user else 'default.target'}"],
        }
    )


def _timer(every: Period) -> str:
    return _text(
        {
            "Unit": ["Description=Sepia: look for models"],
            "Timer": [
                f"OnCalendar={every.calendar}",
                "Persistent=true",
                # A fleet whose clocks agree would ask all at once; each board keeps to a moment of its own.
                f"RandomizedDelaySec={every.seconds}",
                "FixedRandomDelay=true",
            ],
            "Install": ["WantedBy=timers.target"],
        }
    )


def _mounted(root: str, user: str | None) -> list[str]:
    return [f"RequiresMountsFor={_escaped(root)}"] if user else []


def _confined(root: str, user: str | None) -> list[str]:
    """What the agent, the self-test and the operator's commands may not do.

    Left out, as a self-test has to measure what the application will see: Nice= and IOScheduling= (latency),
    PrivateDevices= (the firmware tells of throttling through a device), MemoryDenyWriteExecute= (runtimes that compile
    their kernels).
    """
    anywhere = [
        "NoNewPrivileges=yes",
        "LockPersonality=yes",
        "RestrictRealtime=yes",
        "RestrictSUIDSGID=yes",
        "RestrictNamespaces=yes",
        "RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK",
        "SystemCallArchitectures=native",
        "UMask=0022",
    ]
    if user is None:
        return anywhere  # the others need a namespace of the user's own, which many kernels do not give
    return [
        f"User={user}",
        *anywhere,
        "CapabilityBoundingSet=",
        "ProtectSystem=strict",
        f"ReadWritePaths={_escaped(root)}",
        "PrivateTmp=yes",
        "ProtectControlGroups=yes",
        "ProtectHostname=yes",
        "ProtectKernelLogs=yes",
        "ProtectKernelModules=yes",
        "ProtectKernelTunables=yes",
    ]


def _command(root: str, python: str, command: Sequence[str]) -> str:
    program = str(PurePosixPath(root) / "agent" / "run.py")
    return " ".join(map(_escaped, [python, "-I", program, "--root", root, *command]))


def _escaped(word: str) -> str:
    """One word of a unit's line: a percent sign and a dollar begin a specifier and a variable there."""
    plain = word.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%").replace("$", "$$")
    return f'"{plain}"' if re.search(r"[\s'\"]", word) else plain


def _text(sections: Mapping[str, Sequence[str]]) -> str:
    lines = ["# Written by `sepia ship install`, and anew by the next; your own changes belong into a drop-in."]
    for name, settings in sections.items():
        lines += ["", f"[{name}]", *settings]
    return "\n".join(lines) + "\n"
