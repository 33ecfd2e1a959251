"""Whether what runs on a board is what was verified when it came; whether a bundle here is one that is signed for."""

from __future__ import annotations

import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ..devices.transport import Transport
from ..errors import ConfigError, TrustError
from ..files import digest
from .agent.archive import check
from .agent.manifest import Manifest
from .agent.pointer import folder_of
from .ask import ask
from .host_error import host_error
from .install import ROOT
from .parts import RepositoryFolder
from .trust import read_trust

__all__ = ["Signed", "verify", "verify_file"]

_DEADLINE_S = 900.0


@dataclass(frozen=True)
class Signed:
    """A bundle here. channels: in which it is signed for, one at least."""

    path: Path
    sha256: str
    bytes: int
    channels: tuple[str, ...]
    manifest: Manifest

    def to_json(self) -> dict[str, Any]:
        return {**asdict(self), "path": str(self.path)}


def verify(transport: Transport, root: str = ROOT) -> dict[str, Any]:
    """The agent's own object: see `agent/verify.py`. Raises BoardError, also for a file that is not what it was."""
    return ask(transport, root, "verify", deadline=_DEADLINE_S).told


def verify_file(path: Path, repository: Path, root: Path | None = None) -> Signed:
    """Read the whole bundle, and look for its digest in what is signed in `repository` (a folder), as a board would.

    root: a root.json to begin with; by default the repository's own newest, which says nothing of who made it. Raises
    InputError (the file is no bundle), TrustError (nobody has signed for it, or the repository can't be trusted now).
    """
    if not repository.is_dir():
        raise ConfigError("--trust", f"'{repository}' is no folder", accepted="the repository's folder")
    with host_error():
        manifest = check(path)
    sha256, size = digest(path), path.stat().st_size
    known = _known(repository, root, manifest)
    channels = tuple(channel for channel, target in known.items() if target == (size, sha256))
    if channels:
        return Signed(path, sha256, size, channels, manifest)
    named = f"{manifest.model} {manifest.version} for {manifest.target}"
    if known:
        raise TrustError(str(path), f"is not the bundle that is signed as {named}: its digest is {sha256[:12]}…")
    raise TrustError(str(path), f"nobody has signed for {named}", hint="sepia ship publish")


def _known(repository: Path, root: Path | None, manifest: Manifest) -> dict[str, tuple[int, str]]:
    """Channel → bytes and SHA-256 of the bundle that is signed there for this model, version and target."""
    from .agent.client import Client
    from .agent.inbox import Inbox

    trust = read_trust(root or repository)
    found = {}
    with tempfile.TemporaryDirectory(prefix="sepia-verify-") as work, host_error():
        (Path(work) / "trust").mkdir()
        (Path(work) / "trust" / "root.json").write_bytes(trust.root)
        client = Client(Path(work), Inbox(repository))
        client.refresh()
        for channel in RepositoryFolder(repository).channels(manifest.model):
            folder = folder_of(manifest.model, channel, manifest.target)
            target = client.signed(f"{folder}{manifest.version}.sepia")
            if target is not None:
                found[channel] = target
    return found
