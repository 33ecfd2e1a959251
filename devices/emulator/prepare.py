"""Make everything that an emulated board needs, and see its Python run once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from ...errors import BoardError, RuntimeUnavailable
from .. import debian
from ..profile import Profile
from ..system import System
from ..transport.program import ending
from . import plugin
from .qemu import Qemu, find
from .root import EmulatedRoot, default_cache, make_root
from .transport import EmulatorTransport

__all__ = ["Prepared", "prepare"]

_DEADLINE_S = 60.0


@dataclass(frozen=True)
class Prepared:
    """qemu: what runs it. cpu: its -cpu. root: its file system. python: "3.11.2". packages: package file → SHA-256.

    no_counts: why instructions can't be counted here and what to install, "" where they can.
    """

    qemu: Qemu
    cpu: str
    root: EmulatedRoot
    python: str
    packages: Mapping[str, str]
    no_counts: str


def prepare(
    profile: Profile,
    system: System | None = None,
    *,
    cache: Path | None = None,
    refresh: bool = False,
    say: Callable[[str], None] = lambda _: None,
) -> Prepared:
    """Fetch, unpack and build what is missing; a second call does nothing but look.

    system: by default the profile's first. cache: by default the user's. refresh: newer packages, if the mirror has
    any. say: told what is being done. Raises RuntimeUnavailable (no qemu), BoardError (no mirror, no apt-get, Python
    did not run), ConfigError (a system without a processor in the profile).
    """
    system = system or profile.system()
    name = f"{profile.name}@emulator"
    cpu, qemu = profile.qemu_cpu(system.architecture), find(system.architecture)
    cache = cache or default_cache()
    say(f"{name}: Debian {system.suite} for {system.debian}")
    root = make_root(profile, system, cache, refresh=refresh)
    say(f"{name}: plugin that counts instructions")
    no_counts = _no_counts(qemu, cache)
    say(f"{name}: Python on {cpu}")
    with EmulatorTransport(profile, system, name=name, cache=cache) as transport:
        python = _python(transport)
    return Prepared(qemu, cpu, root, python, debian.manifest(root.packages), no_counts)


def _no_counts(qemu: Qemu, cache: Path) -> str:
    try:
        plugin.build(qemu, cache / "emulator" / "plugins")
    except RuntimeUnavailable as error:
        return str(error)
    return ""


def _python(transport: EmulatorTransport) -> str:
    ran = transport.run(["python3", "-I", "-c", "import sys; print(sys.version.split()[0])"], deadline=_DEADLINE_S)
    if ran.code:
        what, hint = ending(ran)
        raise BoardError(transport.name, f"its Python {what}", hint=hint)
    return ran.out.decode().strip()
