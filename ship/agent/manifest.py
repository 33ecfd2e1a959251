"""What a bundle says of itself: for what it is, each file with its digest, what it must keep to, where it came from.

`manifest.json` is canonical JSON (ASCII, keys sorted, no spaces, a newline at the end): one manifest has one form, and
a file that is not in it is refused. It lists everything in the bundle but itself.
"""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass
from typing import Any

from .errors import Refused
from .paths import MANIFEST, refuse_clashes, refuse_path

__all__ = [
    "MOST_BYTES",
    "NAME",
    "NATIVE",
    "ROLES",
    "SCHEMA",
    "VERSION",
    "Bounds",
    "File",
    "Manifest",
    "read_manifest",
    "write_manifest",
]

SCHEMA = 1
MOST_BYTES = 1 << 20
"""Of manifest.json."""
MOST_PATH = 200
"""Characters of a file's name."""
NATIVE = "native"
"""The runtime whose network is a program."""
ROLES = frozenset({"network", "program", "labels", "golden", "report", "licence", "sbom", "other"})

NAME = re.compile(r"[a-z0-9][a-z0-9.-]{0,63}")
"""Of a model, a runtime or a channel, whole."""
VERSION = re.compile(r"[A-Za-z0-9][A-Za-z0-9.+_-]{0,63}")
"""Of a version, whole."""
_TARGET = re.compile(r"[a-z0-9][a-z0-9.-]{0,127}")
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class File:
    """path: inside the bundle. bytes: ≥ 0. sha256: hex. role: one of ROLES; "program" alone may be executed."""

    path: str
    bytes: int
    sha256: str
    role: str


@dataclass(frozen=True)
class Bounds:
    """What the self-test on the board holds it to; None: it is not held to any."""

    p50_ms: float | None = None
    rss_bytes: int | None = None


@dataclass(frozen=True)
class Manifest:
    """network: the file that the runtime is given; of runtime "native" the program itself, which is `program` too.

    target ends with `-RUNTIME-tTHREADS`. files: sorted by path. preparation, provenance: JSON objects; how an image
    becomes the network's input, and where the files came from.
    """

    model: str
    version: str
    target: str
    runtime: str
    network: str
    threads: int
    files: tuple[File, ...]
    bounds: Bounds
    preparation: dict[str, Any]
    provenance: dict[str, Any]
    program: str | None = None

    def file(self, path: str) -> File:
        """Raises Refused if there is none of this name."""
        for file in self.files:
            if file.path == path:
                return file
        raise Refused(MANIFEST, f"has no file {path!r}", kind="manifest")

    def of_role(self, role: str) -> tuple[File, ...]:
        return tuple(file for file in self.files if file.role == role)


def write_manifest(manifest: Manifest) -> bytes:
    """In its canonical form. Raises Refused for what `read_manifest` would refuse."""
    data = _canonical({"schema": SCHEMA, **asdict(manifest)})
    read_manifest(data)
    return data


def read_manifest(data: bytes) -> Manifest:
    """Raises Refused of kind "manifest" that names the field, and of "archive" or "limit" for a file's name."""
    told = _object("the file", _parsed(data))
    if type(told.get("schema")) is not int or told["schema"] != SCHEMA:
        raise _refused("schema", f"is {told.get('schema')!r}, this agent reads {SCHEMA}", "install a newer agent")
    _fields("the file", told, {"schema", *Manifest.__dataclass_fields__})
    manifest = Manifest(
        model=_name("model", told["model"], NAME),
        version=_name("version", told["version"], VERSION),
        target=_name("target", told["target"], _TARGET),
        runtime=_name("runtime", told["runtime"], NAME),
        network=_text("network", told["network"]),
        threads=_whole("threads", told["threads"], least=1),
        files=_files(told["files"]),
        bounds=_bounds(told["bounds"]),
        preparation=_object("preparation", told["preparation"]),
        provenance=_object("provenance", told["provenance"]),
        program=None if told["program"] is None else _text("program", told["program"]),
    )
    _refuse_contradictions(manifest)
    if _canonical(told) != data:
        raise _refused("the file", "is not in canonical form")
    return manifest


def _refuse_contradictions(manifest: Manifest) -> None:
    if not manifest.target.endswith(f"-{manifest.runtime}-t{manifest.threads}"):
        raise _refused("target", f"{manifest.target!r} is not of {manifest.runtime!r} with {manifest.threads} threads")
    native = manifest.runtime == NATIVE
    if manifest.program != (manifest.network if native else None):
        raise _refused("program", f"is {manifest.program!r}, of runtime {manifest.runtime!r}")
    programs = [file.path for file in manifest.of_role("program")]
    if programs != ([manifest.network] if native else []):
        raise _refused("files", f"the programs are {programs}, of runtime {manifest.runtime!r}")
    if not native and manifest.file(manifest.network).role != "network":
        raise _refused("network", f"{manifest.network!r} has another role")


def _files(value: object) -> tuple[File, ...]:
    if not isinstance(value, list):
        raise _refused("files", "is no list")
    files = tuple(_file(f"files[{number}]", entry) for number, entry in enumerate(value))
    paths = [file.path for file in files]
    refuse_clashes(MANIFEST, paths)
    if paths != sorted(paths):
        raise _refused("files", "are not sorted by path")
    return files


def _file(where: str, value: object) -> File:
    told = _object(where, value)
    _fields(where, told, set(File.__dataclass_fields__))
    path, role = _text(f"{where}.path", told["path"]), _text(f"{where}.role", told["role"])
    refuse_path(MANIFEST, path, MOST_PATH)
    if role not in ROLES:
        raise _refused(f"{where}.role", f"is {role!r}", f"accepted: {', '.join(sorted(ROLES))}")
    sha256 = _name(f"{where}.sha256", told["sha256"], _SHA256)
    return File(path, _whole(f"{where}.bytes", told["bytes"], least=0), sha256, role)


def _bounds(value: object) -> Bounds:
    told = _object("bounds", value)
    _fields("bounds", told, set(Bounds.__dataclass_fields__))
    p50_ms, rss_bytes = told["p50_ms"], told["rss_bytes"]
    if p50_ms is not None and (type(p50_ms) not in (int, float) or not 0 < p50_ms < 1e9):
        raise _refused("bounds.p50_ms", f"is {p50_ms!r}", "accepted: a number of milliseconds above 0, or null")
    return Bounds(p50_ms, None if rss_bytes is None else _whole("bounds.rss_bytes", rss_bytes, least=1))


def _parsed(data: bytes) -> object:
    if len(data) > MOST_BYTES:
        raise Refused(MANIFEST, f"{len(data)} bytes; at most {MOST_BYTES} are accepted", kind="limit")
    try:
        return json.loads(data.decode("ascii"))
    except (ValueError, RecursionError) as error:
        raise _refused("the file", "is no JSON in ASCII") from error


def _canonical(value: object) -> bytes:
    try:
        return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False).encode("ascii") + b"\n"
    except (ValueError, RecursionError) as error:
        raise _refused("the file", "has a number that JSON does not have, or is nested too deep") from error


def _object(where: str, value: object) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise _refused(where, "is no JSON object")
    return value


def _fields(where: str, told: dict[str, Any], wanted: set[str]) -> None:
    wrong = sorted(told.keys() ^ wanted)
    if wrong:
        raise _refused(where, f"field {wrong[0]!r} is {'missing' if wrong[0] in wanted else 'unknown'}")


def _text(where: str, value: object) -> str:
    if not isinstance(value, str):
        raise _refused(where, "is no text")
    return value


def _name(where: str, value: object, form: re.Pattern[str]) -> str:
    text = _text(where, value)
    if not form.fullmatch(text):
        raise _refused(where, f"is {text[:80]!a}", f"accepted: {form.pattern}")
    return text


def _whole(where: str, value: object, *, least: int) -> int:
    if type(value) is not int or not least <= value < 1 << 63:
        raise _refused(where, f"is no whole number of at least {least}")
    return value


def _refused(where: str, what: str, hint: str = "") -> Refused:
    return Refused(MANIFEST, f"{where} {what}" if where != "the file" else what, kind="manifest", hint=hint)
