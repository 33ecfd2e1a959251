"""What tuf and the server refuse, as Refused: one kind for each cause, and the line that says it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager

from tuf.api.exceptions import (
    BadVersionNumberError,
    DownloadError,
    DownloadHTTPError,
    DownloadLengthMismatchError,
    ExpiredMetadataError,
    LengthOrHashMismatchError,
    RepositoryError,
    UnsignedMetadataError,
)
from tuf.api.metadata import Root, Targets

from .clock import Clock, shown
from .errors import Refused
from .updater import FlooredUpdater

__all__ = ["of_download", "told"]

_SIGNED = re.compile(r"signed by (\d+)/(\d+) keys")
_NOT_NAMED = "Expected snapshot version"
"""So tuf begins to say that it is not the version which the timestamp names."""
_OPERATOR = "tell whoever runs the repository"


@contextmanager
def told(updater: FlooredUpdater, where: str, clock: Clock) -> Iterator[None]:
    """Around calls of `updater`. where: the repository, for the line."""
    try:
        yield
    except RepositoryError as error:
        raise _of_metadata(updater, f"{where} {updater.at[0]}.json", clock, error) from error
    except DownloadError as error:
        raise of_download(f"{where} {updater.at[0]}.json", error) from error
    except OSError as error:
        raise Refused(str(error.filename or where), error.strerror or str(error), kind="disk") from error


def of_download(where: str, error: DownloadError) -> Refused:
    if isinstance(error, DownloadHTTPError):
        if error.status_code in (403, 404):
            return Refused(where, f"is not there ({error})", kind="missing", hint="is it a repository of Sepia's?")
        return Refused(where, f"the server {error}", kind="unreachable")
    if isinstance(error, DownloadLengthMismatchError):
        return Refused(where, f"does not end where it should ({error})", kind="endless")
    return Refused(where, f"cannot be fetched ({error})", kind="unreachable")


def _of_metadata(updater: FlooredUpdater, where: str, clock: Clock, error: RepositoryError) -> Refused:
    if isinstance(error, ExpiredMetadataError):
        return _expired(updater, where, clock)
    if isinstance(error, UnsignedMetadataError):
        return _unsigned(updater, where, error)
    if isinstance(error, LengthOrHashMismatchError):
        what = "is not the file that was signed for: its length or hash is another"
        return Refused(where, f"{what} ({error})", kind="changed", hint=_OPERATOR)
    if isinstance(error, BadVersionNumberError):
        return _wrong_version(updater, where, error)
    if "missing info for" in str(error):
        return Refused(where, f"names fewer files than before ({error})", kind="rollback", hint=_OPERATOR)
    return Refused(where, f"is not what TUF asks for ({error})", kind="metadata", hint=_OPERATOR)


def _expired(updater: FlooredUpdater, where: str, clock: Clock) -> Refused:
    role = updater.at[0]
    signed = updater.trusted("root") if role == "timestamp" and updater.trusted("root") else None
    if isinstance(signed, Root) and signed.is_expired(clock.taken):
        where = where.replace("timestamp.json", "root.json")
    else:
        signed = updater.trusted(role)
    when = f" ({shown(signed.expires)})" if signed is not None else ""
    what = f"has expired{when}; this board's clock says {shown(clock.system)}"
    if clock.taken != clock.system:
        what += f", and was already past {shown(clock.taken)}"
    hint = "if that is the time, have the repository renewed (its files may also be held back); if not, set the clock"
    return Refused(where, what, kind="expired", hint=hint)


def _unsigned(updater: FlooredUpdater, where: str, error: UnsignedMetadataError) -> Refused:
    found = _SIGNED.search(str(error))
    valid, threshold = (int(found[1]), int(found[2])) if found else (0, 1)
    if valid:
        what = f"has {valid} of the {threshold} signatures that it needs"
        return Refused(where, what, kind="threshold", hint=_OPERATOR)
    if not _signers(updater.data) & _may_sign(updater):
        what = "is signed by no key that has the right to"
        return Refused(where, what, kind="not allowed", hint=f"{_OPERATOR}: its keys are others, or were revoked")
    return Refused(
        where, "its signature is wrong: it was changed after it was signed", kind="signature", hint=_OPERATOR
    )


def _signers(data: bytes) -> set[str]:
    """The ids of the keys that unverified metadata name."""
    try:
        return {entry["keyid"] for entry in json.loads(data)["signatures"]}
    except (ValueError, KeyError, TypeError, RecursionError):
        return set()


def _may_sign(updater: FlooredUpdater) -> set[str]:
    role, by = updater.at
    delegator = updater.trusted(by)
    if not isinstance(delegator, (Root, Targets)):
        return set()
    return set(delegator.get_delegated_role(role).keyids)


def _wrong_version(updater: FlooredUpdater, where: str, error: BadVersionNumberError) -> Refused:
    """Older than before, or of another state of the repository than the file that names it."""
    role = updater.at[0]
    mixed = role not in ("root", "timestamp", "snapshot") or str(error).startswith(_NOT_NAMED)
    if mixed:
        return Refused(where, f"belongs to another state of the repository ({error})", kind="mixed", hint=_OPERATOR)
    hint = "an old version is never taken again"
    return Refused(where, f"is older than what this board has seen ({error})", kind="rollback", hint=hint)
