"""Boards as they are sold: one TOML file each, in `profiles/` here or in the user's config folder.

Every number has its source in the file; what no source says is left out. What a board really is at the moment a probe
tells; a profile is for choosing, for emulating, and for what a probe can't see.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from ..errors import ConfigError, nearest
from .config_folder import config_folder
from .facts import BoardFacts
from .system import SYSTEMS, System

__all__ = [
    "PROFILES",
    "Bandwidth",
    "Cache",
    "Memory",
    "Midr",
    "Profile",
    "profile_named",
    "profile_of",
    "profiles",
]

Mhz = Annotated[int, Field(gt=0, le=10_000)]
Rate = Annotated[int, Field(gt=0)]

_FLAGS = {"aarch64": {"neon": "asimd", "dotprod": "asimddp", "i8mm": "i8mm"}, "armv7l": {"neon": "neon"}}
"""What we call an extension → its flag in /proc/cpuinfo."""

_GENERIC = {"aarch64": "aarch64", "armv7l": "armv7"}
"""Architecture → the profile of a board of which nothing else is known."""


class _Fact(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Midr(_Fact):
    """The core's identification register, as /proc/cpuinfo shows it: CPU implementer, variant, part and revision."""

    implementer: Annotated[int, Field(ge=0, le=0xFF)]
    variant: Annotated[int, Field(ge=0, le=0xF)]
    part: Annotated[int, Field(ge=0, le=0xFFF)]
    revision: Annotated[int, Field(ge=0, le=0xF)]


class Cache(_Fact):
    """kib: of one such cache, in KiB. cores: how many share it."""

    level: Annotated[int, Field(ge=1, le=4)]
    kind: Literal["data", "instruction", "unified"]
    kib: Annotated[int, Field(gt=0)]
    cores: Annotated[int, Field(gt=0)] = 1


class Bandwidth(_Fact):
    """One measurement of memory, one thread, in MB/s (10⁶ bytes). copy: bytes copied, each read and written once.

    memory_mb, clock_mhz: of the board that was measured. bits: of the program.
    """

    memory_mb: Annotated[int, Field(gt=0)]
    clock_mhz: Mhz
    bits: Literal[32, 64]
    copy_mb_s: Rate
    fill_mb_s: Rate
    read_mb_s: Rate | None = None
    source: Annotated[str, Field(min_length=1)]


class Memory(_Fact):
    """kind: "LPDDR4". sizes_mb: the variants sold, in MiB. peak_mb_s: of the interface, where the maker says."""

    sizes_mb: tuple[Annotated[int, Field(gt=0)], ...] = ()
    kind: str = ""
    peak_mb_s: Rate | None = None
    bandwidth: tuple[Bandwidth, ...] = ()


class Profile(_Fact):
    """A kind of board.

    name: first word of its targets. models: how the device tree's model may begin. cores: 1 where unknown. boost_mhz:
    clock that some revisions or settings allow. qemu: architecture → -cpu of qemu-user that is nearest. features:
    architecture → flags as /proc/cpuinfo shows them. sources: what → addresses of pages that say it.
    """

    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9.]*$")]
    title: Annotated[str, Field(min_length=1)]
    models: tuple[Annotated[str, Field(min_length=3)], ...] = ()
    chip: str = ""
    core: str = ""
    cores: Annotated[int, Field(gt=0)] = 1
    clock_mhz: Mhz | None = None
    boost_mhz: Mhz | None = None
    systems: Annotated[tuple[System, ...], Field(min_length=1)]
    qemu: Mapping[str, str]
    features: Mapping[str, tuple[str, ...]] = {}
    midr: Midr | None = None
    caches: tuple[Cache, ...] = ()
    memory: Memory = Memory()
    sources: Mapping[str, tuple[str, ...]] = {}

    @field_validator("systems", mode="before")
    @classmethod
    def _systems(cls, given: Any) -> Any:
        """A word is one of SYSTEMS; a table is a system of the board's own."""
        for system in given if isinstance(given, list) else ():
            if isinstance(system, str) and system not in SYSTEMS:
                raise ValueError(f"no system '{system}' ({nearest(system, SYSTEMS)})")
        return (
            tuple(SYSTEMS[one] if isinstance(one, str) else one for one in given) if isinstance(given, list) else given
        )

    @model_validator(mode="after")
    def _sourced(self) -> Self:
        given = {
            "clock": self.clock_mhz or self.boost_mhz or self.cores > 1,
            "caches": self.caches,
            "features": self.midr or any(self.features.values()),
            "memory": self.memory.sizes_mb or self.memory.peak_mb_s,
        }
        unsourced = [what for what, value in given.items() if value and not self.sources.get(what)]
        if unsourced:
            raise ValueError(
                f"no source for {', '.join(unsourced)}: say where it is from in [sources], or leave it out"
            )
        missing = sorted({system.architecture for system in self.systems} - set(self.qemu))
        if missing:
            raise ValueError(f"qemu has no processor for {', '.join(missing)}")
        return self

    def system(self, name: str | None = None) -> System:
        """The system of that name, by default the first. Raises ConfigError with those there are."""
        known = {system.name: system for system in self.systems}
        if name is None:
            return self.systems[0]
        if name not in known:
            raise ConfigError(self.name, f"has no system '{name}'", accepted=", ".join(known))
        return known[name]

    def qemu_cpu(self, architecture: str) -> str:
        """`-cpu` for qemu-user. Raises ConfigError if the board can't run that architecture."""
        if architecture not in self.qemu:
            raise ConfigError(self.name, f"does not run {architecture}", accepted=", ".join(self.qemu))
        return self.qemu[architecture]

    def has(self, extension: Literal["neon", "dotprod", "i8mm"], architecture: str) -> bool:
        """Whether code for `architecture` may use that extension here."""
        return _FLAGS.get(architecture, {}).get(extension) in self.features.get(architecture, ())


def profile_named(name: str) -> Profile:
    """Raises ConfigError with the nearest names, or with what is wrong in a file of the user's."""
    known = profiles()
    if name not in known:
        raise ConfigError("profile", f"no board '{name}'", accepted=nearest(name, known))
    return known[name]


def profile_of(facts: BoardFacts) -> Profile | None:
    """The profile whose model is the longest beginning of the board's own; else the generic one; else None."""
    known = profiles()
    fits = [(len(model), one) for one in known.values() for model in one.models if facts.model.startswith(model)]
    if fits:
        return max(fits, key=lambda fit: fit[0])[1]
    # A 32-bit system on a 64-bit kernel calls its machine aarch64.
    narrow = facts.bits == 32 and facts.machine in ("aarch64", "armv8l")
    return known.get(_GENERIC.get("armv7l" if narrow else facts.machine, ""))


def profiles() -> dict[str, Profile]:
    """Ours and those in the user's `profiles` folder. Raises ConfigError with what is wrong in a file of the user's."""
    found = dict(PROFILES)
    for path in sorted((config_folder() / "profiles").glob("*.toml")):
        profile = _read(path)
        if profile.name in found:
            raise ConfigError(str(path), f"the name '{profile.name}' is taken", hint="give the board another name")
        found[profile.name] = profile
    return found


def _read(path: Path) -> Profile:
    try:
        return Profile.model_validate(_frozen(tomllib.loads(path.read_text(encoding="utf-8"))))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(str(path), f"cannot be read ({error})") from error
    except ValidationError as error:
        told = [": ".join(filter(None, (".".join(map(str, one["loc"])), one["msg"]))) for one in error.errors()]
        raise ConfigError(str(path), "; ".join(told)) from error


def _frozen(value: Any, *, key: str = "") -> Any:
    """Arrays as tuples, which strict models take; the systems' list stays, for its validator."""
    if isinstance(value, dict):
        return {name: _frozen(each, key=name) for name, each in value.items()}
    if isinstance(value, list):
        each = [_frozen(one) for one in value]
        return each if key == "systems" else tuple(each)
    return value


PROFILES: dict[str, Profile] = {
    profile.name: profile
    for profile in map(_read, sorted((Path(__file__).resolve().parent / "profiles").glob("*.toml")))
}
"""Those that come with Sepia."""
