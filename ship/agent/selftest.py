"""Whether a version does on this board what it did where it was made: its outputs, its time, its memory.

It runs before anything points to the version, beside whatever the board is at work on: niced, the first to go if memory
runs out, its latency measured again if something else disturbed it.
"""

from __future__ import annotations

import secrets
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from . import archive
from .child import Limits
from .errors import Refused
from .manifest import NATIVE, Bounds, Manifest
from .native_program import try_native
from .place import Place
from .python_runtimes import try_python
from .tried import KIND, Tried

__all__ = ["DEADLINE_S", "Verdict", "run"]

DEADLINE_S = 300.0
"""Of all tries together."""
_TRIES = 3
_LEAST_S = 0.1
_PAUSE_S = 5.0
_EXCUSED = 3.0
"""What takes so many times its bound is too slow, whatever else the board does: niced, a third of a core is left."""
_SPARE_BYTES = 256 << 20
"""Beyond its bound of memory: what the golden arrays may need, and what is to be told and not only cut off."""


@dataclass(frozen=True)
class Verdict:
    """reason: one line why not, "" if ok. p50_ms, rss_bytes, rms: None as far as it did not come.

    worth_again: it was this board that failed and not the bundle, which may pass later: no such runtime, no room, too
    slow but disturbed each time.
    """

    ok: bool
    reason: str
    p50_ms: float | None
    rss_bytes: int | None
    rms: float | None
    seconds: float
    worth_again: bool = False


def run(folder: Path, manifest: Manifest, place: Place, *, deadline_s: float = DEADLINE_S) -> Verdict:
    """Test the unpacked bundle in `folder`. Nothing of it is executed unless all of it is what `manifest` says.

    Whatever a bundle is or does is a verdict; nothing is raised for it. Ctrl-C ends what was started.
    """
    start = time.monotonic()
    try:
        _refuse_changed(folder, manifest, "is not what was verified")
        place.check(manifest.runtime)
        tried, reason = _judged(folder, manifest, place, start + deadline_s)
        _refuse_changed(folder, manifest, "was changed by its own self-test")
    except Refused as error:
        return Verdict(False, _line(error), None, None, None, time.monotonic() - start, error.kind != KIND)
    return Verdict(not reason, reason, tried.p50_ms, tried.rss_bytes, tried.rms, time.monotonic() - start)


def _judged(folder: Path, manifest: Manifest, place: Place, until: float) -> tuple[Tried, str]:
    """The first try that something can be said of. A latency that was disturbed is measured again."""
    for number in range(1, _TRIES + 1):
        start = time.monotonic()
        tried = _one(folder, manifest, place, max(until - start, _LEAST_S))
        reason = _judge(tried, manifest.bounds)
        if not reason or not _excused(tried, manifest.bounds):
            return tried, reason
        took = time.monotonic() - start
        if number == _TRIES or time.monotonic() + _PAUSE_S + 2 * took > until:
            break
        time.sleep(_PAUSE_S)
    raise Refused(manifest.version, f"{reason}; {number} tries", kind="busy")


def _one(folder: Path, manifest: Manifest, place: Place, deadline_s: float) -> Tried:
    most = None if manifest.bounds.rss_bytes is None else manifest.bounds.rss_bytes + _SPARE_BYTES
    try_it = try_native if manifest.runtime == NATIVE else try_python
    with _work(folder.parent) as work:
        try:
            return try_it(
                folder,
                manifest,
                place,
                work=work,
                limits=Limits(deadline_s, rss_bytes=most),
                mark=secrets.token_hex(16),
            )
        except OSError as error:
            what = f"cannot be started ({error.strerror or error})"
            raise Refused(manifest.runtime, what, kind=KIND) from error


def _judge(tried: Tried, bounds: Bounds) -> str:
    """Why not, or ""."""
    if tried.wrong:
        return f"wrong output: {tried.wrong}"
    if bounds.rss_bytes is not None:
        if tried.rss_bytes is None:
            return "its memory could not be measured"
        if tried.rss_bytes > bounds.rss_bytes:
            return f"too much memory: {tried.rss_bytes / 1e6:.1f} MB, at most {bounds.rss_bytes / 1e6:.1f} MB"
    if bounds.p50_ms is not None:
        if tried.p50_ms is None:
            return "its latency could not be measured"
        if tried.p50_ms > bounds.p50_ms:
            why = f" (disturbed: {'; '.join(tried.disturbed)})" if tried.disturbed else ""
            return f"too slow: p50 {tried.p50_ms:.4g} ms, at most {bounds.p50_ms:.4g} ms{why}"
    return ""


def _excused(tried: Tried, bounds: Bounds) -> bool:
    """Whether it is but too slow, by what a disturbance may well cost."""
    most = bounds.p50_ms
    only_slow = most is not None and tried.p50_ms is not None and not _judge(replace(tried, p50_ms=0.0), bounds)
    return only_slow and bool(tried.disturbed) and tried.p50_ms <= _EXCUSED * most  # type: ignore[operator]


def _refuse_changed(folder: Path, manifest: Manifest, what: str) -> None:
    try:
        found = archive.verify(folder)
    except Refused as error:
        raise Refused(manifest.version, f"{what}: {error.what}", kind=KIND) from error
    if found != manifest:
        raise Refused(manifest.version, f"{what}: its manifest is another one", kind=KIND)


@contextmanager
def _work(beside: Path) -> Iterator[Path]:
    """An empty folder, gone with all that is written there. Its name ends as that of what nobody needs."""
    try:
        folder = Path(tempfile.mkdtemp(prefix="selftest-", suffix=".new", dir=beside))
    except OSError as error:
        raise Refused(str(beside), f"no room for a self-test ({error.strerror or error})", kind="disk") from error
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _line(error: Refused) -> str:
    return " ".join(f"{error.where}: {error.what}".split())
