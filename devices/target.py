"""A target: a board, its operating system, a runtime and a number of threads. Its name is its identity in results.

    <board>-<system>-<runtime>-t<threads>        pi4-bookworm64-litert-t4, host-debian12-tflite-runtime-t1

Board and system are lower-case letters, digits and dots; only a runtime's name may have a dash in it.
"""

from __future__ import annotations

import platform
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

from ..errors import ConfigError
from ..runtime import runtime_named

__all__ = ["HOST", "NATIVE", "Target", "host", "host_targets"]

HOST = "host"
"""The board's name of the machine that this program runs on."""
NATIVE = "native"
"""The runtime of a network that is a program of its own, by `export.onnx_to_c`: no engine of RUNTIMES runs it."""

_PART = r"[a-z0-9][a-z0-9.]*"
_NAME = re.compile(rf"(?P<board>{_PART})-(?P<system>{_PART})-(?P<runtime>{_PART}(?:-{_PART})*)-t(?P<threads>\d+)")
_GRAMMAR = "<board>-<system>-<runtime>-t<threads>, like pi4-bookworm64-litert-t4"


@dataclass(frozen=True, order=True)
class Target:
    """board: "pi4", or "host" for this machine. os: "bookworm64", "debian12". runtime: a name in RUNTIMES, or NATIVE.

    threads: ≥ 1. Raises ConfigError if a part is not what a name can carry.
    """

    board: str
    os: str
    runtime: str
    threads: int

    def __post_init__(self) -> None:
        for what, part in (("board", self.board), ("system", self.os)):
            if not re.fullmatch(_PART, part):
                raise ConfigError(
                    "target", f"'{part}' is no name of a {what}", accepted="lower-case letters, digits, dots"
                )
        if self.runtime != NATIVE:
            runtime_named(self.runtime)
        if self.threads < 1:
            raise ConfigError("target", f"cannot run with {self.threads} threads", accepted="1 or more")

    @property
    def name(self) -> str:
        return f"{self.board}-{self.os}-{self.runtime}-t{self.threads}"

    @property
    def local(self) -> bool:
        """Whether it is this machine."""
        return self.board == HOST

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a name back. Raises ConfigError that shows the grammar, or the nearest runtimes."""
        found = _NAME.fullmatch(text)
        if found is None:
            raise ConfigError("target", f"'{text}' is not the name of a target", accepted=_GRAMMAR)
        return cls(found["board"], found["system"], found["runtime"], int(found["threads"]))

    def __str__(self) -> str:
        return self.name


def host(runtime: str, threads: int = 1) -> Target:
    """This machine with `runtime`. Raises ConfigError on an unknown runtime."""
    return Target(HOST, _system(), runtime, threads)


def host_targets(runtimes: Iterable[str], threads: Iterable[int] = (1,)) -> tuple[Target, ...]:
    """This machine with each of `runtimes` at each of `threads`, runtime by runtime."""
    counts = tuple(dict.fromkeys(threads))
    return tuple(host(runtime, count) for runtime in dict.fromkeys(runtimes) for count in counts)


def _system() -> str:
    """Name and version of this system: debian12, ubuntu24.04, darwin23.1.0."""
    try:
        release = platform.freedesktop_os_release()
    except OSError:
        release = {"ID": platform.system(), "VERSION_ID": platform.release()}
    words = (release.get("ID", "linux") + release.get("VERSION_ID", "")).lower()
    return re.sub(r"[^a-z0-9.]", "", words).lstrip(".") or "unknown"
