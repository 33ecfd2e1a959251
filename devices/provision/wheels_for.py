"""A runtime's wheels for a board's Python, libc and processor, unpacked here: what will be pushed."""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as installed_version
from pathlib import Path, PurePosixPath

from ...errors import ConfigError
from ...runtime.environments import cache_folder
from .. import debian
from ..facts import BoardFacts
from ..system import version as numbers
from ..wheels import Wheel, architecture_of, runs_on
from .fetched import NoSuchWheel, kept, pip_install

__all__ = ["Unpacked", "wheels_for"]

_DISTRIBUTIONS = {
    "onnxruntime": "onnxruntime",
    "litert": "ai-edge-litert",
    "openvino": "openvino",
    "tflite-runtime": "tflite-runtime",
}
_ALSO = {"tflite-runtime": ("numpy<2",)}
_NUMPY = ("python3-numpy", "libblas3", "liblapack3", "libgfortran5")
_UNREAD_FOLDERS = {"tests", "bin", "include"}
_UNREAD_ENDINGS = {".a", ".c", ".h", ".hpp", ".lib", ".pxd", ".pyi", ".pyx"}
_OLDEST_GLIBC = 17


@dataclass(frozen=True)
class Unpacked:
    """One runtime with all it needs. name: of its folder on a board. files: name there → file here.

    paths: environment variable → folders in it, inside the folder ("" is itself).
    """

    runtime: str
    version: str
    name: str
    files: Mapping[str, Path]
    paths: Mapping[str, tuple[str, ...]]

    def environment(self, folder: str) -> dict[str, str]:
        """What a process on the board needs to find it in `folder`."""
        places = {name: [f"{folder}/{inner}".rstrip("/") for inner in inners] for name, inners in self.paths.items()}
        return {name: ":".join(found) for name, found in places.items()} | {"PYTHONNOUSERSITE": "1"}


def wheels_for(runtime: str, facts: BoardFacts, cache: Path | None = None) -> Unpacked:
    """Resolved and fetched here, once: the next time from the cache. cache: by default the user's, or of SEPIA_CACHE.

    The version is the one that this machine has, if there is a wheel of it for the board, else the newest that there
    is. Raises ConfigError (no wheel fits, and what would), RuntimeUnavailable (no pip here), BoardError (no network, or
    no such wheel).
    """
    verdict = runs_on(runtime, facts)
    if verdict.wheel is None:
        raise ConfigError(runtime, verdict.reason, accepted=verdict.nearest)
    base = (cache or cache_folder()) / "runtimes"
    *first, last = _releases(runtime, verdict.wheel)
    for release in first:
        with suppress(NoSuchWheel):
            return _unpacked(runtime, release, verdict.wheel, facts, base)
    return _unpacked(runtime, last, verdict.wheel, facts, base)


def _releases(runtime: str, wheel: Wheel) -> tuple[str, ...]:
    """What this machine has comes first: then one version made, checked and measured the files."""
    try:
        here = installed_version(_DISTRIBUTIONS[runtime])
    except PackageNotFoundError:
        return (wheel.release,)
    return tuple(dict.fromkeys((min(here, wheel.release, key=numbers), wheel.release)))


def _unpacked(runtime: str, release: str, wheel: Wheel, facts: BoardFacts, base: Path) -> Unpacked:
    python = ".".join(facts.python.split(".")[:2])
    tag = f"{runtime}-{release}-cp{python.replace('.', '')}-{architecture_of(facts)}-glibc{facts.libc}"
    folder = base / tag
    listed = kept(folder, lambda made: _fill(made, runtime, release, wheel, facts))
    files = {name: folder / name for name in listed}
    key = hashlib.sha256(json.dumps(sorted(listed.items())).encode()).hexdigest()[:12]
    paths = {"PYTHONPATH": ("",)} | ({"LD_LIBRARY_PATH": ("lib",)} if wheel.numpy == "debian" else {})
    return Unpacked(runtime, release, f"{tag.rpartition('-')[0]}-{key}", files, paths)


def _fill(made: Path, runtime: str, release: str, wheel: Wheel, facts: BoardFacts) -> Iterator[str]:
    wanted = [f"{_DISTRIBUTIONS[runtime]}=={release}"]
    alone = wheel.numpy == "debian"
    options = list(_options(facts)) + (["--no-deps"] if alone else [])
    pip_install(made, [*wanted, *(() if alone else _ALSO.get(runtime, ()))], options)
    if alone:
        _add_numpy(made, facts, made.parents[1])
    return _read(made)


def _read(made: Path) -> Iterator[str]:
    """Names of the files that a program reads: a third less of them to send, and to bring to a board's card."""
    for path in sorted(made.rglob("*")):
        name = PurePosixPath(path.relative_to(made))
        if path.is_file() and name.suffix not in _UNREAD_ENDINGS and not _UNREAD_FOLDERS & set(name.parts[:-1]):
            yield str(name)


def _options(facts: BoardFacts) -> Iterator[str]:
    yield from ("--implementation", "cp", "--python-version", ".".join(facts.python.split(".")[:2]))
    for platform in _platforms(facts):
        yield from ("--platform", platform)


def _platforms(facts: BoardFacts) -> Iterator[str]:
    architecture = architecture_of(facts)
    newest = int(facts.libc.split(".")[1])
    for minor in range(newest, _OLDEST_GLIBC - 1, -1):
        yield f"manylinux_2_{minor}_{architecture}"
    yield f"manylinux2014_{architecture}"
    yield f"linux_{architecture}"


def _add_numpy(made: Path, facts: BoardFacts, cache: Path) -> None:
    """NumPy has no 32-bit wheel: Debian's own build, with the libraries that it links to beside it."""
    suite = facts.system.removesuffix("32").removesuffix("64")
    debs = debian.fetch(
        facts.debian_architecture or "armhf", suite, _NUMPY, cache.parent / "debian", dependencies=False
    )
    with tempfile.TemporaryDirectory(dir=cache) as unpacked:
        root = Path(unpacked)
        debian.unpack(debs, root)
        shutil.copytree(root / "usr/lib/python3/dist-packages/numpy", made / "numpy")
        (made / "lib").mkdir()
        for library in ("libblas.so.3", "liblapack.so.3", "libgfortran.so.5"):
            found = next(path for path in sorted(root.rglob(library)) if path.exists())
            shutil.copyfile(found, made / "lib" / library)
