"""A runtime's wheels for a board's Python, libc and processor, unpacked here: what will be pushed."""

from __future__ import annotations

import fcntl
import hashlib
import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as installed_version
from pathlib import Path, PurePosixPath

from ...errors import BoardError, ConfigError, InputError, RuntimeUnavailable
from ...files import digest, write_text
from ...runtime.environments import cache_folder
from .. import debian
from ..facts import BoardFacts
from ..system import version as numbers
from ..wheels import Wheel, architecture_of, runs_on

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
_UNREACHED = (
    "ConnectTimeout",
    "ConnectionError",
    "NewConnectionError",
    "ProxyError",
    "ReadTimeout",
    "Temporary failure in name resolution",
)
_OLDEST_GLIBC = 17
_DEADLINE_S = 900.0


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
        with suppress(_NoSuchWheel):
            return _unpacked(runtime, release, verdict.wheel, facts, base)
    return _unpacked(runtime, last, verdict.wheel, facts, base)


class _NoSuchWheel(BoardError):
    """The package index was reached, and has none that fits."""


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
    with _locked(base / f".{tag}.lock"):
        if not _whole(folder):
            _make(folder, runtime, release, wheel, facts)
    listed = _listed(folder)
    files = {name: folder / name for name in listed}
    key = hashlib.sha256(json.dumps(sorted(listed.items())).encode()).hexdigest()[:12]
    paths = {"PYTHONPATH": ("",)} | ({"LD_LIBRARY_PATH": ("lib",)} if wheel.numpy == "debian" else {})
    return Unpacked(runtime, release, f"{tag.rpartition('-')[0]}-{key}", files, paths)


def _make(folder: Path, runtime: str, release: str, wheel: Wheel, facts: BoardFacts) -> None:
    """Into a folder of another name, renamed when it is whole."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".partial-") as partial:
        made = Path(partial) / folder.name
        made.mkdir()
        wanted = [f"{_DISTRIBUTIONS[runtime]}=={release}"]
        alone = wheel.numpy == "debian"
        _install(made, [*wanted, *(() if alone else _ALSO.get(runtime, ()))], facts, dependencies=not alone)
        if alone:
            _add_numpy(made, facts, folder.parent)
        described = {name: digest(made / name) for name in _read(made)}
        write_text(made.with_suffix(".json"), json.dumps(described, indent=0) + "\n")
        shutil.rmtree(folder, ignore_errors=True)
        made.rename(folder)
        made.with_suffix(".json").rename(_record(folder))


def _read(made: Path) -> Iterator[str]:
    """Names of the files that a program reads: a third less of them to send, and to bring to a board's card."""
    for path in sorted(made.rglob("*")):
        name = PurePosixPath(path.relative_to(made))
        if path.is_file() and name.suffix not in _UNREAD_ENDINGS and not _UNREAD_FOLDERS & set(name.parts[:-1]):
            yield str(name)


def _install(target: Path, wanted: Sequence[str], facts: BoardFacts, *, dependencies: bool) -> None:
    """pip resolves, fetches, checks the index' digests and unpacks; it runs nothing of what it unpacks."""
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input"]
    command += ["--retries", "2"]  # without one it does not tell an index that was not reached from one without a wheel
    command += ["--target", str(target), "--only-binary", ":all:", "--no-compile", "--implementation", "cp"]
    command += ["--python-version", ".".join(facts.python.split(".")[:2])]
    for platform in _platforms(facts):
        command += ["--platform", platform]
    command += [] if dependencies else ["--no-deps"]
    try:
        done = subprocess.run([*command, *wanted], capture_output=True, text=True, timeout=_DEADLINE_S, check=False)
    except subprocess.TimeoutExpired as error:
        raise BoardError(
            wanted[0], f"was not fetched within {_DEADLINE_S:g} s", hint="is the network here slow?"
        ) from error
    if done.returncode:
        raise _not_fetched(wanted[0], done.stderr)


def _platforms(facts: BoardFacts) -> Iterator[str]:
    architecture = architecture_of(facts)
    newest = int(facts.libc.split(".")[1])
    for minor in range(newest, _OLDEST_GLIBC - 1, -1):
        yield f"manylinux_2_{minor}_{architecture}"
    yield f"manylinux2014_{architecture}"
    yield f"linux_{architecture}"


def _not_fetched(what: str, said: str) -> Exception:
    lines = [line.removeprefix("ERROR: ") for line in said.splitlines() if line.startswith("ERROR: ")]
    if "No module named pip" in said:
        hint = "python3 -m ensurepip, or the package python3-pip"
        return RuntimeUnavailable("pip", f"is not installed here, and fetches {what} for the board", hint=hint)
    if any(word in said for word in _UNREACHED):
        return BoardError(
            what, "cannot be fetched: the package index was not reached", hint="is the network up here? pip config list"
        )
    reason = lines[-1] if lines else "pip gave no reason"
    missing = "No matching distribution" in said or "Could not find a version" in said
    kind = _NoSuchWheel if missing else BoardError
    return kind(what, f"cannot be fetched: {reason}", hint="'sepia devices show PROFILE' lists what has wheels")


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


def _record(folder: Path) -> Path:
    return folder.with_name(f"{folder.name}.json")


def _listed(folder: Path) -> dict[str, str]:
    found: dict[str, str] = json.loads(_record(folder).read_text(encoding="utf-8"))
    return found


def _whole(folder: Path) -> bool:
    """Hashed each time: a spoilt cache would else be pushed with its faults, whose digests would be right there."""
    try:
        listed = _listed(folder)
        return bool(listed) and all(digest(folder / name) == sha for name, sha in listed.items())
    except (OSError, ValueError, InputError):
        return False


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """One process or thread at a time; the lock ends with the process."""
    path.parent.mkdir(parents=True, exist_ok=True)
    until = time.monotonic() + 2 * _DEADLINE_S
    with path.open("w") as file:
        while not _taken(file.fileno()):
            if time.monotonic() > until:
                raise BoardError(str(path), "another process has been fetching all the time", hint="look what holds it")
            time.sleep(0.1)
        yield


def _taken(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
