"""What the board's side consists of: the agent, the measuring program, and three packages of which nothing is compiled.

run.py                                   starts the agent
sepia_agent/…                            `ship/agent/`
sepia_bench/bench.py                     `runtime/bench.py`, for the self-test
tuf/… securesystemslib/… urllib3/…       from wheels for any platform, with their licences
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import version as installed_version
from pathlib import Path, PurePosixPath

from .. import __version__
from ..devices.facts import BoardFacts
from ..devices.provision.fetched import NoSuchWheel, kept, pip_install
from ..devices.system import version as numbers
from ..errors import BoardError
from ..files import digest
from ..runtime.environments import cache_folder

__all__ = ["OLDEST_PYTHON", "AgentFiles", "agent_files"]

OLDEST_PYTHON = (3, 10)
"""tuf's own limit."""

_HERE = Path(__file__).resolve().parent
_BENCH = _HERE.parent / "runtime" / "bench.py"
_PACKAGES = {"tuf": "tuf>=6", "securesystemslib": "securesystemslib>=1.2", "urllib3": "urllib3>=2"}
_UNREAD = ("tuf/repository/", "urllib3/contrib/", "urllib3/http2/", "securesystemslib/_vendor/ed25519/test_")
_STILL_READ = ("urllib3/contrib/__init__.py", "urllib3/http2/__init__.py", "urllib3/http2/probe.py")


@dataclass(frozen=True)
class AgentFiles:
    """version: Sepia's. name: of the folder on a board, by version and contents. files: name in it → file here."""

    version: str
    name: str
    files: Mapping[str, Path]

    @cached_property
    def bytes(self) -> int:
        return sum(path.stat().st_size for path in self.files.values())


def agent_files(facts: BoardFacts, cache: Path | None = None) -> AgentFiles:
    """For the Python of this board. cache: of what was fetched, by default the user's, or of SEPIA_CACHE.

    The packages are of the versions that this machine has, or the newest for that Python. Raises BoardError: its Python
    is too old, or a package can't be fetched.
    """
    _refuse_old_python(facts)
    python = ".".join(facts.python.split(".")[:2])
    files = {"run.py": _HERE / "on_board" / "run.py", "sepia_bench/bench.py": _BENCH}
    files |= {f"sepia_agent/{path.name}": path for path in sorted((_HERE / "agent").glob("*.py"))}
    files |= _packages(python, (cache or cache_folder()) / "agent")
    described = sorted((name, digest(path)) for name, path in files.items())
    key = hashlib.sha256(json.dumps(described).encode()).hexdigest()[:12]
    return AgentFiles(__version__, f"{__version__}-{key}", files)


def _refuse_old_python(facts: BoardFacts) -> None:
    if numbers(facts.python)[:2] < OLDEST_PYTHON:
        oldest = ".".join(map(str, OLDEST_PYTHON))
        raise BoardError(
            facts.model or facts.machine,
            f"its Python is {facts.python}",
            accepted=f"{oldest} or newer",
            hint="flash a Raspberry Pi OS of 2023 or later (bookworm)",
        )


def _packages(python: str, cache: Path) -> dict[str, Path]:
    here = {name: installed_version(name) for name in _PACKAGES}
    with suppress(NoSuchWheel):  # this machine's versions may ask for a newer Python than the board's
        return _fetched([f"{name}=={release}" for name, release in here.items()], python, cache)
    return _fetched(list(_PACKAGES.values()), python, cache)


def _fetched(wanted: list[str], python: str, cache: Path) -> dict[str, Path]:
    folder = cache / f"py{python}-{hashlib.sha256(json.dumps(wanted).encode()).hexdigest()[:12]}"
    # Wheels "for any platform" alone: nothing compiled can be among them.
    pure = ["--implementation", "py", "--abi", "none", "--platform", "any", "--python-version", python]

    def fill(made: Path) -> Iterator[str]:
        pip_install(made, wanted, pure)
        return _read(made)

    return {name: folder / name for name in kept(folder, fill)}


def _read(made: Path) -> Iterator[str]:
    """What is imported, and the licences."""
    for path in sorted(made.rglob("*")):
        name = str(PurePosixPath(path.relative_to(made)))
        unread = name.startswith(_UNREAD) and name not in _STILL_READ
        if path.is_file() and not unread and (path.suffix == ".py" or path.name.startswith("LICENSE")):
            yield name
