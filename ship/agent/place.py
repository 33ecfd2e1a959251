"""How a network is run on this board: which Python, what it needs to find its runtime, and what stands before it."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from .errors import Refused
from .manifest import NATIVE

__all__ = ["PATH", "Place", "bench_program"]

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
"""Where commands are looked for that are no path."""

_KEPT = ("QEMU_CPU", "QEMU_LD_PREFIX")
"""Of our own environment: which core is emulated, where that is so."""


@dataclass(frozen=True)
class Place:
    """python: interpreter for which the runtime is installed. environment: added to what a program gets.

    run_with: words before each command (an emulated core without binfmt_misc needs its emulator there). bench: the
    measuring program; "" where there is none, which only a native program can do without.
    """

    python: str = sys.executable
    environment: Mapping[str, str] = field(default_factory=dict)
    run_with: tuple[str, ...] = ()
    bench: str = ""

    def command(self, *words: str | Path) -> list[str]:
        return [*self.run_with, *map(str, words)]

    def surroundings(self, folder: Path) -> dict[str, str]:
        """A whole environment that holds nothing of ours: no addresses, no secrets. folder: its home."""
        home = str(folder)
        kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
        own = {"PATH": PATH, "HOME": home, "TMPDIR": home, "LANG": "C.UTF-8", "PYTHONNOUSERSITE": "1"}
        return {**own, **kept, **self.environment}

    def check(self, runtime: str) -> None:
        """Raises Refused of kind "runtime" if a program of this place is missing."""
        wanted = self.run_with[:1] if runtime == NATIVE else (*self.run_with[:1], self.python)
        for program in wanted:
            if shutil.which(program, path=PATH) is None:
                raise Refused(runtime, f"{program!r} is no program of this board", kind="runtime", hint=_HINT)
        if runtime != NATIVE and not Path(self.bench).is_file():
            raise Refused(runtime, f"the measuring program {self.bench!r} is missing", kind="runtime", hint=_HINT)


def bench_program() -> str:
    """Where the measuring program lies: beside the agent, as `sepia ship install` puts it; "" if it does not."""
    found = Path(__file__).resolve().parents[1] / "sepia_bench" / "bench.py"
    return str(found) if found.is_file() else ""


_HINT = "run sepia ship install again"
