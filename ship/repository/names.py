"""Names in a repository: roles, metadata files, targets.

metadata/{N.root,N.snapshot,N.targets,N.MODEL.CHANNEL,timestamp}.json
targets/MODEL/CHANNEL/TARGET/<sha256>.{current.json,VERSION.sepia,VERSION.from-<base>.bsdiff}
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from ...errors import ConfigError
from ..agent.manifest import NAME

__all__ = [
    "POINTER",
    "ROOT",
    "SNAPSHOT",
    "TARGETS",
    "TIMESTAMP",
    "TOP_LEVEL",
    "bundle_path",
    "channel_paths",
    "delta_path",
    "file_name",
    "pointer_path",
    "role_of",
    "stored_at",
]

ROOT, TARGETS, SNAPSHOT, TIMESTAMP = "root", "targets", "snapshot", "timestamp"
TOP_LEVEL = (ROOT, TARGETS, SNAPSHOT, TIMESTAMP)
POINTER = "current.json"
_CHANNEL = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")


def role_of(model: str, channel: str) -> str:
    """Who signs for a channel of a model. Raises ConfigError for odd names.

    A channel has no dots, so that MODEL.CHANNEL is read in one way.
    """
    for what, given, form in (("model", model, NAME), ("channel", channel, _CHANNEL)):
        if not form.fullmatch(given):
            raise ConfigError(what, f"'{given}' is no name of a {what}", accepted=form.pattern)
    return f"{model}.{channel}"


def channel_paths(model: str, channel: str) -> str:
    """TUF's pattern of the targets that the channel's role may sign for: * is a part between slashes."""
    return f"{model}/{channel}/*/*"


def file_name(role: str, version: int) -> str:
    """With consistent snapshots: TUF specification 1.0.31, section 6.2."""
    return f"{role}.json" if role == TIMESTAMP else f"{version}.{role}.json"


def pointer_path(folder: str) -> str:
    """folder: as `agent.pointer.folder_of` gives it, with a slash at its end. So below."""
    return f"{folder}{POINTER}"


def bundle_path(folder: str, version: str) -> str:
    return f"{folder}{version}.sepia"


def delta_path(folder: str, version: str, base: str) -> str:
    """base: SHA-256 of the bundle that it is applied to."""
    return f"{folder}{version}.from-{base[:12]}.bsdiff"


def stored_at(path: str, digests: Iterable[str]) -> str:
    """Where a target lies under targets/."""
    folder, _, name = path.rpartition("/")
    return f"{folder}/{next(iter(digests))}.{name}"
