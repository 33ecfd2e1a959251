"""What a board is, asked of the board itself, and how fast bytes get there."""

from __future__ import annotations

import hashlib
import math
import random
import re
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import BoardError
from ..runtime import RUNTIMES
from .facts import BoardFacts
from .transport.interface import Transport
from .transport.program import run_program
from .wheels import WHEELS, architecture_of, runs_on, runtimes_of

__all__ = ["CLOCK_TOLERANCE_S", "TransferFigures", "notes", "probe", "transfer"]

PROBE_PROGRAM = Path(__file__).resolve().parent / "on_board" / "probe.py"
TRANSFER_PROGRAM = Path(__file__).resolve().parent / "on_board" / "transfer.py"

CLOCK_TOLERANCE_S = 300.0
"""A clock further off than this, in s, is told: logs and certificates there are off, too."""

MEGABYTE = 1_000_000

# A board that is gone is noticed long before; one that is slow, or fifty that share this machine, may take it.
_PATIENCE_S = 180.0

# ARM's part numbers, from util-linux sys-utils/lscpu-arm.c. Other makers' parts are given as numbers.
_ARM = 0x41
_CORES = {
    0xB76: "ARM1176",
    0xC05: "Cortex-A5",
    0xC07: "Cortex-A7",
    0xC08: "Cortex-A8",
    0xC09: "Cortex-A9",
    0xC0E: "Cortex-A17",
    0xC0F: "Cortex-A15",
    0xD03: "Cortex-A53",
    0xD04: "Cortex-A35",
    0xD05: "Cortex-A55",
    0xD07: "Cortex-A57",
    0xD08: "Cortex-A72",
    0xD09: "Cortex-A73",
    0xD0A: "Cortex-A75",
    0xD0B: "Cortex-A76",
    0xD0C: "Neoverse-N1",
    0xD0D: "Cortex-A77",
    0xD40: "Neoverse-V1",
    0xD41: "Cortex-A78",
    0xD42: "Cortex-A78AE",
    0xD44: "Cortex-X1",
    0xD46: "Cortex-A510",
    0xD47: "Cortex-A710",
    0xD49: "Neoverse-N2",
    0xD80: "Cortex-A520",
    0xD81: "Cortex-A720",
}

# `vcgencmd get_throttled`, bits 0 to 3: www.raspberrypi.com/documentation/computers/os.html#get_throttled.
_THROTTLED = ("under-voltage", "frequency capped", "throttled", "soft temperature limit")

_DEBIAN = {
    "aarch64-linux-gnu": "arm64",
    "arm-linux-gnueabihf": "armhf",
    "arm-linux-gnueabi": "armel",
    "x86_64-linux-gnu": "amd64",
}


@dataclass(frozen=True)
class TransferFigures:
    """bytes sent and checked there. seconds: on the board's clock, from the first to the last of them."""

    bytes: int
    seconds: float

    @property
    def mb_per_s(self) -> float:
        """MB/s, 10⁶ bytes each."""
        return self.bytes / MEGABYTE / self.seconds if self.seconds > 0 else math.inf


def probe(transport: Transport, *, deadline: float = _PATIENCE_S) -> BoardFacts:
    """Ask the board what it is. Raises BoardError: not reached, no Python or too old a one, a home that is none."""
    before = time.time()
    told = run_program(transport, PROBE_PROGRAM, {}, deadline=deadline)
    skew = _skew(float(told["time"]), before, time.time())
    if not str(told["home"]).startswith("/"):
        raise BoardError(transport.name, "its user has no home folder", hint="log in as a user who has one")
    return BoardFacts(
        machine=told["machine"],
        bits=told["bits"],
        system=_system(told["release"], told["bits"]),
        libc=told["libc"],
        python=told["python"],
        python_path=told["python_path"],
        home=told["home"],
        user=told["user"],
        cores=told["cores"],
        memory_bytes=told["memory_bytes"],
        disk_free_bytes=told["disk_free_bytes"],
        core=_core(told),
        model=told["model"] or told["revision_model"],
        debian_architecture=_DEBIAN.get(told["multiarch"], ""),
        features=tuple(told["features"]),
        clock_skew_s=skew,
        throttled=_causes(told["throttled"]),
    )


def notes(facts: BoardFacts) -> tuple[str, ...]:
    """What a user should know of a board before he measures on it, a line each: nothing that keeps it from working."""
    found = []
    if abs(facts.clock_skew_s) > CLOCK_TOLERANCE_S:
        way = "behind" if facts.clock_skew_s < 0 else "ahead"
        found.append(f"its clock is {_span(abs(facts.clock_skew_s))} {way}; figures are right all the same")
    if facts.throttled:
        found.append(f"{', '.join(facts.throttled)} just now: its figures would be too slow; look at power and cooling")
    if not runtimes_of(facts):
        # That of a runtime which has wheels for such a processor, if any has, tells more.
        closest = next(
            (row.runtime for row in WHEELS if row.architecture == architecture_of(facts)), next(iter(RUNTIMES))
        )
        verdict = runs_on(closest, facts)
        found.append(f"no runtime can be measured on it: {verdict.reason}; nearest: {verdict.nearest}")
    return tuple(found)


def transfer(transport: Transport, megabytes: float = 5.0, *, deadline: float | None = None) -> TransferFigures:
    """Send random bytes, of which the board checks the digest and stores nothing.

    megabytes: above 0, to 1000. deadline: in s, by default three minutes and 10 s a MB. Raises BoardError: not
    reached, or what came was not what was sent.
    """
    count = max(1, round(megabytes * MEGABYTE))
    seed = random.randrange(2**32)
    digest = hashlib.sha256()
    for piece in _noise(count, seed):
        digest.update(piece)
    told = run_program(
        transport,
        TRANSFER_PROGRAM,
        {"bytes": count, "sha256": digest.hexdigest()},
        payload=_noise(count, seed),
        deadline=_PATIENCE_S + 10.0 * megabytes if deadline is None else deadline,
    )
    return TransferFigures(count, float(told["seconds"]))


def _noise(count: int, seed: int) -> Iterator[bytes]:
    """`count` bytes that no link can squeeze, the same for the same seed."""
    source = random.Random(seed)
    while count > 0:
        piece = source.randbytes(min(count, 1 << 18))
        count -= len(piece)
        yield piece


def _skew(there: float, before: float, after: float) -> float:
    """How far off it is at least: it was asked some time between `before` and `after`."""
    return there - min(max(there, before), after)


def _system(release: Mapping[str, str], bits: int) -> str:
    """bookworm64, alpine3.19-like names where there is no codename; letters, digits and dots, as a target's part."""
    word = release.get("VERSION_CODENAME") or release.get("ID", "") + release.get("VERSION_ID", "")
    word = re.sub(r"[^a-z0-9.]", "", word.lower()).lstrip(".") or "linux"
    return f"{word}{'.' if word[-1].isdigit() else ''}{bits}"


def _core(told: Mapping[str, Any]) -> str:
    """Cortex-A72; of boards with several kinds, all, the first in /proc/cpuinfo first."""
    named = []
    for implementer, part in told["parts"]:
        number = int(part, 16)
        named.append(_CORES.get(number, part) if int(implementer, 16) == _ARM else f"{implementer}:{part}")
    return " + ".join(named) or str(told["model_name"])


def _causes(bits: int | None) -> tuple[str, ...] | None:
    return None if bits is None else tuple(name for bit, name in enumerate(_THROTTLED) if bits >> bit & 1)


def _span(seconds: float) -> str:
    for unit, length in (("years", 365.25 * 86400), ("days", 86400.0), ("hours", 3600.0)):
        if seconds >= 2 * length:
            return f"{seconds / length:.1f} {unit}"
    return f"{seconds / 60:.0f} minutes"
