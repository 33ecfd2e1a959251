"""Debian packages of another architecture, and roots made of them: without root, dpkg or debootstrap.

apt fetches with a state of its own: the host's packages, sources and locks are left alone, and an ordinary user may do
it. Its signatures vouch for the index, and the index for the digest of each package, which is checked again here (apt
takes a spoilt file of the right length for whole). No maintainer's script is run. Needs apt-get, dpkg-deb, tar and the
keyring of Debian.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import re
import secrets
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from fnmatch import fnmatchcase
from pathlib import Path
from urllib.parse import urlsplit

from ..errors import BoardError
from ..files import digest, write_text

__all__ = [
    "ARCHITECTURES",
    "MIRROR_VARIABLE",
    "SCRIPTS_ONLY",
    "UNREAD",
    "fetch",
    "make_root",
    "manifest",
    "mirror",
    "unpack",
]

ARCHITECTURES = ("arm64", "armhf", "armel")
"""Debian's names: AArch64, ARMv7 with floating point, ARMv5 and newer (so ARMv6) without."""

MIRROR_VARIABLE = "SEPIA_DEBIAN_MIRROR"
"""Environment variable with the mirror to use instead of the host's own."""

SCRIPTS_ONLY = (
    "adduser",
    "debconf*",
    "dpkg",
    "init-system-helpers",
    "libdebconf*",
    "libdb5*",
    "libgdbm*",
    "libperl*",
    "libsemanage*",
    "libsepol*",
    "passwd",
    "perl*",
    "sensible-utils",
    "tar",
    "ucf",
    "usrmerge",
)
"""Packages (patterns) that the others name for their maintainers' scripts, which are never run here."""

UNREAD = tuple(f"./usr/share/{name}" for name in ("bug", "doc", "info", "lintian", "locale", "man"))
"""Paths in packages that no program reads: left out of a root (a third of its files)."""

_KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
_DEADLINE_S = 900.0
_LAYOUT = 1  # of a root; a change of what `make_root` does to it gives new roots


def fetch(
    architecture: str,
    suite: str,
    packages: Sequence[str],
    cache: Path,
    *,
    dependencies: bool = True,
    without: Sequence[str] = SCRIPTS_ONLY,
    refresh: bool = False,
    deadline: float = _DEADLINE_S,
) -> tuple[Path, ...]:
    """Package files of `packages` and all they depend on, in the order in which they can be unpacked.

    architecture: one of ARCHITECTURES. suite: "bookworm". cache: a folder that may be written; what it holds from an
    earlier call (digests checked) needs no network. dependencies: False for `packages` alone. without: patterns of
    names to leave out, unless named. refresh: ask the mirror for newer versions. deadline: s, for all of it.
    Raises BoardError: no apt-get, no keyring, no such package or suite, mirror not reached, digest wrong, out of time.
    """
    until = time.monotonic() + deadline
    request = _request(architecture, suite, packages, dependencies=dependencies, without=without)
    record = cache / "requests" / f"{request}.json"
    with _locked(cache, f"{architecture}-{suite}", until):
        held = None if refresh else _held(record, cache / "debs")
        if held is not None:
            return held
        apt = _Apt(architecture, suite, cache / "apt" / f"{architecture}-{suite}", until)
        digests = apt.resolve(packages, dependencies=dependencies)
        digests = {file: sha for file, sha in digests.items() if _wanted(_package(file), packages, without)}
        apt.download(digests, cache / "debs")
        write_text(record, json.dumps({"packages": list(packages), "debs": digests}, indent=1) + "\n")
        return tuple(cache / "debs" / file for file in digests)


def unpack(debs: Sequence[Path], root: Path, *, exclude: Sequence[str] = UNREAD) -> None:
    """Unpack `debs` into the folder `root` (made if missing; /bin, /sbin and /lib are links into /usr, made first).

    exclude: patterns of tar, "./usr/share/doc". Owners are kept where we are root. Raises BoardError if a tool is
    missing or a package can't be read or written.
    """
    for name in ("bin", "sbin", "lib"):
        (root / "usr" / name).mkdir(parents=True, exist_ok=True)
        if not (root / name).is_symlink():
            (root / name).symlink_to(f"usr/{name}")
    for deb in debs:
        _unpack_one(deb, root, exclude)


def make_root(
    architecture: str,
    suite: str,
    packages: Sequence[str],
    cache: Path,
    *,
    without: Sequence[str] = SCRIPTS_ONLY,
    exclude: Sequence[str] = UNREAD,
    refresh: bool = False,
    deadline: float = _DEADLINE_S,
) -> Path:
    """A folder of `packages` and all they depend on, named by what is in it: made once, shared, not to be written to.

    It is made under another name and renamed, so that a folder found is a whole one; leftovers of an interrupted call
    are removed by the next. `manifest` tells what it was made of. Arguments and errors as of `fetch` and `unpack`.
    """
    until = time.monotonic() + deadline
    debs = fetch(
        architecture, suite, packages, cache, without=without, refresh=refresh, deadline=until - time.monotonic()
    )
    contents = {deb.name: digest(deb) for deb in debs}
    key = hashlib.sha256(json.dumps([_LAYOUT, contents, list(exclude)], sort_keys=True).encode()).hexdigest()[:12]
    root = cache / "roots" / f"{architecture}-{suite}-{key}"
    with _locked(cache, f"{architecture}-{suite}", until):
        if not root.is_dir():
            _build(root, debs, exclude)
            write_text(_manifest_of(root), json.dumps(contents, indent=1) + "\n")
    return root


def manifest(root: Path) -> dict[str, str]:
    """Package file → SHA-256 of what `make_root` made `root` of; empty where that is not known."""
    try:
        found = json.loads(_manifest_of(root).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return {str(file): str(sha) for file, sha in found.items()}


def mirror() -> str:
    """The Debian mirror in use: of SEPIA_DEBIAN_MIRROR, else the one in the host's apt sources.

    Raises BoardError where neither names one, as on a machine of another distribution.
    """
    named = os.environ.get(MIRROR_VARIABLE, "").strip()
    if named:
        return named.rstrip("/")
    told = _tell(["apt-get", "indextargets", "--format", "$(CREATED_BY) $(COMPONENT) $(ORIGIN) $(REPO_URI)"])
    for line in told.splitlines():
        made_by, component, origin, uri = line.split(maxsplit=3)
        # Origin is known only after an update; the template is told unfilled until then.
        debian = origin == "Debian" or (origin.startswith("$") and urlsplit(uri).path.rstrip("/").endswith("/debian"))
        if made_by == "Packages" and component == "main" and debian and not uri.rstrip("/").endswith("-security"):
            return uri.rstrip("/")
    raise BoardError(
        "Debian's packages",
        "apt here knows no mirror of Debian",
        hint=f"name one (its address ends in /debian) in {MIRROR_VARIABLE}",
    )


# --- apt ----------------------------------------------------------------------------------------------------------


class _Apt:
    """apt-get with its state in `state`, for one architecture and suite. until: of `time.monotonic`."""

    def __init__(self, architecture: str, suite: str, state: Path, until: float) -> None:
        self.where = f"Debian {suite} for {architecture}"
        self.suite, self.until = suite, until
        self.state = state.resolve()
        self.config = self.state / "apt.conf"
        if architecture not in ARCHITECTURES:
            raise BoardError(self.where, "not an architecture of ours", accepted=", ".join(ARCHITECTURES))
        if shutil.which("apt-get") is None:
            raise _missing("apt-get", self.where)
        if not _KEYRING.is_file():
            raise BoardError(self.where, "Debian's keyring is missing", hint="install debian-archive-keyring")
        for folder in ("lists/partial", "cache/archives/partial", "parts"):
            (self.state / folder).mkdir(parents=True, exist_ok=True)
        write_text(self.state / "status", "")
        write_text(self.state / "sources.list", f"deb [signed-by={_KEYRING}] {mirror()} {suite} main\n")
        write_text(self.config, self._settings(architecture))

    def _settings(self, architecture: str) -> str:
        settings = {
            "APT::Architecture": architecture,
            "APT::Install-Recommends": "0",
            "APT::Sandbox::User": "root",  # as _apt it could not write into the user's cache
            "APT::Update::Error-Mode": "any",  # a mirror out of reach is else a warning
            "Acquire::ForceHash": "SHA256",
            "Acquire::Languages": "none",
            "Acquire::Retries": "2",
            "Acquire::http::Timeout": "30",
            "Debug::NoLocking": "1",  # ours holds
            "Dir::Cache": str(self.state / "cache"),
            "Dir::Etc::SourceList": str(self.state / "sources.list"),
            "Dir::Etc::SourceParts": str(self.state / "parts"),
            "Dir::Etc::Preferences": str(self.state / "preferences"),
            "Dir::Etc::PreferencesParts": str(self.state / "parts"),
            "Dir::State": str(self.state),
            "Dir::State::lists": str(self.state / "lists"),
            "Dir::State::status": str(self.state / "status"),
        }
        # A container's hooks clean the host's cache at each update.
        cleared = ("APT::Architectures", "APT::Update::Pre-Invoke", "APT::Update::Post-Invoke")
        lines = [f"#clear {name};" for name in (*cleared, "APT::Update::Post-Invoke-Success")]
        lines += [f'{name} "{value}";' for name, value in settings.items()]
        return "\n".join([*lines, f'APT::Architectures {{ "{architecture}"; }};']) + "\n"

    def resolve(self, packages: Sequence[str], *, dependencies: bool) -> dict[str, str]:
        """Package file → SHA-256, in apt's order, from an index brought up to date."""
        self._run("update")
        told = self._run("install" if dependencies else "download", "--print-uris", *packages)
        found = re.findall(r"^'[^']+' (\S+) \d+ SHA256:([0-9a-f]{64})$", told, re.MULTILINE)
        if not found:
            raise BoardError(self.where, f"apt named no package file for {' '.join(packages)}")
        return dict(found)

    def download(self, digests: Mapping[str, str], folder: Path) -> None:
        """Those of `digests` that `folder` has not got, each renamed into it once its digest is right."""
        folder.mkdir(parents=True, exist_ok=True)
        missing = [file for file, sha in digests.items() if not _is(folder / file, sha)]
        if not missing:
            return
        arrived = self.state / "arrived"
        shutil.rmtree(arrived, ignore_errors=True)
        arrived.mkdir()
        self._run("download", *map(_package, missing), folder=arrived)
        for file in missing:
            if not _is(arrived / file, digests[file]):
                raise BoardError(self.where, f"{file} came with a wrong digest", hint="try again, or another mirror")
            (arrived / file).replace(folder / file)

    def _run(self, command: str, *words: str, folder: Path | None = None) -> str:
        line = ["apt-get", "-qq", "-c", str(self.config), command, *words]
        left = max(self.until - time.monotonic(), 1.0)
        try:
            ran = subprocess.run(
                line, cwd=folder, capture_output=True, text=True, timeout=left, env=_plain(), stdin=subprocess.DEVNULL
            )
        except FileNotFoundError as error:
            raise _missing("apt-get", self.where) from error
        except subprocess.TimeoutExpired as error:
            raise BoardError(
                self.where, f"apt-get {command} was not done in time", hint=f"set {MIRROR_VARIABLE} to a nearer mirror"
            ) from error
        if ran.returncode:
            raise self._refused(ran.stderr)
        return ran.stdout

    def _refused(self, said: str) -> BoardError:
        """apt's own words in one line; its first E: is the cause, those after it follow from it."""
        causes = [line[2:].strip() for line in said.splitlines() if line.startswith("E:")]
        what = causes[0] if causes else " ".join(said.split()) or "apt-get failed and did not say why"
        package = re.search(r"Unable to locate package (\S+)|Can't find a source to download .* of '?(\S+?)'?$", what)
        if package:
            return BoardError(self.where, f"no package '{package[1] or package[2]}'", hint="look the name up in Debian")
        if "NO_PUBKEY" in said or "is not signed" in said:
            return BoardError(self.where, what, hint="update the package debian-archive-keyring")
        if "does not have a Release file" in said:
            return BoardError(self.where, f"{mirror()} has no suite '{self.suite}'", hint=f"or set {MIRROR_VARIABLE}")
        return BoardError(self.where, what, hint=f"is {mirror()} reached from here? {MIRROR_VARIABLE} names another")


# --- packages and roots -------------------------------------------------------------------------------------------


def _request(
    architecture: str, suite: str, packages: Sequence[str], *, dependencies: bool, without: Sequence[str]
) -> str:
    asked = json.dumps([sorted(packages), dependencies, sorted(without)])
    return f"{architecture}-{suite}-{hashlib.sha256(asked.encode()).hexdigest()[:12]}"


def _held(record: Path, folder: Path) -> tuple[Path, ...] | None:
    try:
        digests = json.loads(record.read_text(encoding="utf-8"))["debs"]
    except (OSError, ValueError, KeyError):
        return None
    return (
        tuple(folder / file for file in digests) if all(_is(folder / file, digests[file]) for file in digests) else None
    )


def _is(path: Path, sha256: str) -> bool:
    return path.is_file() and digest(path) == sha256


def _package(file: str) -> str:
    return file.partition("_")[0]


def _wanted(package: str, named: Sequence[str], without: Sequence[str]) -> bool:
    return package in named or not any(fnmatchcase(package, pattern) for pattern in without)


def _build(root: Path, debs: Sequence[Path], exclude: Sequence[str]) -> None:
    for left in root.parent.glob(f".partial-{root.name.rpartition('-')[0]}-*"):
        shutil.rmtree(left, ignore_errors=True)  # the lock is ours: whoever made it is gone
    partial = root.with_name(f".partial-{root.name}-{secrets.token_hex(4)}")
    try:
        unpack(debs, partial, exclude=exclude)
        partial.replace(root)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _manifest_of(root: Path) -> Path:
    return root.with_name(f"{root.name}.json")


def _unpack_one(deb: Path, root: Path, exclude: Sequence[str]) -> None:
    # Not `dpkg-deb -x`: it puts a folder in the place of /lib's link.
    read = ["dpkg-deb", "--fsys-tarfile", str(deb)]
    write = ["tar", "-x", "-C", str(root), "--keep-directory-symlink", "--numeric-owner"]
    write += [f"--exclude={pattern}" for pattern in exclude]
    with tempfile.TemporaryFile(prefix="sepia-") as said:
        try:
            with subprocess.Popen(read, stdout=subprocess.PIPE, stderr=said, env=_plain()) as reader:
                written = subprocess.run(write, stdin=reader.stdout, stderr=said, env=_plain())
        except FileNotFoundError as error:
            raise _missing(Path(str(error.filename)).name, str(deb)) from error
        said.seek(0)
        lines = said.read().decode(errors="replace").strip().splitlines()
    if reader.returncode or written.returncode:
        raise BoardError(str(deb), f"cannot be unpacked ({lines[-1] if lines else 'no reason given'})")


def _missing(tool: str, where: str) -> BoardError:
    package = {"dpkg-deb": "dpkg", "apt-get": "apt"}.get(tool, tool)
    return BoardError(where, f"{tool} is not installed here", hint=f"install {package} (Debian, Ubuntu: it is there)")


@contextmanager
def _locked(cache: Path, name: str, until: float) -> Iterator[None]:
    """One at a time a cache and `name`, across processes and threads; ends with the process."""
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / f".{name}.lock").open("w") as file:
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError as error:
                if time.monotonic() > until:
                    raise BoardError(str(cache), f"another process has been making {name} all the time") from error
                time.sleep(0.2)
        yield


def _tell(command: Sequence[str]) -> str:
    try:
        ran = subprocess.run(command, capture_output=True, text=True, timeout=60, env=_plain(), check=False)
    except (FileNotFoundError, subprocess.TimeoutExpired):
        return ""
    return ran.stdout


def _plain() -> dict[str, str]:
    return {**os.environ, "LC_ALL": "C"}
