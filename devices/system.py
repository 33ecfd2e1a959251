"""Operating systems of boards: what decides which wheels run there."""

from __future__ import annotations

import re
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

__all__ = ["ARCHITECTURES", "SYSTEMS", "System", "version"]

ARCHITECTURES = ("aarch64", "armv7l", "armv6l", "x86_64")
"""What a board's programs are built for, named as in the wheels' platform tags and by `uname -m`."""

Version = Annotated[str, Field(pattern=r"^\d+\.\d+$")]


class System(BaseModel):
    """One system of one word width. The first three words of a target's name come from here: pi4-`bookworm64`-….

    name: codename and bits. architecture: in ARCHITECTURES. debian: the architecture as Debian names it, of the root
    that an emulated core runs. suite: Debian's codename. glibc, python: "2.36", "3.11", as that suite ships them.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9.]*$")]
    architecture: Literal["aarch64", "armv7l", "armv6l", "x86_64"]
    debian: Literal["arm64", "armhf", "armel", "amd64"]
    suite: str
    glibc: Version
    python: Version

    @property
    def bits(self) -> int:
        return 64 if self.architecture in ("aarch64", "x86_64") else 32

    @model_validator(mode="after")
    def _agrees(self) -> Self:
        fitting = {"arm64": "aarch64", "armhf": "armv7l", "armel": "armv6l", "amd64": "x86_64"}
        if fitting[self.debian] != self.architecture:
            raise ValueError(f"Debian's {self.debian} is not built for {self.architecture}")
        return self


def _debian(suite: str, glibc: str, python: str) -> tuple[System, ...]:
    """A suite of Debian or Raspberry Pi OS (which keeps Debian's versions of both), 64 and 32 bits."""
    known: dict[str, str] = {"suite": suite, "glibc": glibc, "python": python}
    return (
        System.model_validate({"name": f"{suite}64", "architecture": "aarch64", "debian": "arm64", **known}),
        System.model_validate({"name": f"{suite}32", "architecture": "armv7l", "debian": "armhf", **known}),
    )


# Versions: packages libc6 and python3 in the suites' package lists.
SYSTEMS: dict[str, System] = {
    system.name: system
    for system in (
        *_debian("bookworm", glibc="2.36", python="3.11"),
        *_debian("trixie", glibc="2.41", python="3.13"),
        *_debian("bullseye", glibc="2.31", python="3.9"),
    )
}
"""The systems that profiles name; a profile may also describe one of its own."""


def version(text: str) -> tuple[int, ...]:
    """The leading numbers of a version, for comparing: "3.11.2+" → (3, 11, 2); () where there are none."""
    found = re.match(r"\d+(?:\.\d+)*", text)
    return tuple(map(int, found[0].split("."))) if found else ()
