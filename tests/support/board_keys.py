"""Keys of emulated boards and of who logs in to them."""

from __future__ import annotations

import subprocess
from pathlib import Path

__all__ = ["make_key"]


def make_key(path: Path) -> None:
    """A new Ed25519 key without a passphrase at `path`, its public half at `path`.pub."""
    command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", path.name, "-f", str(path)]
    subprocess.run(command, check=True, capture_output=True)
