"""The Update Framework's repository as a folder of static files: roles and keys, publishing, channels, roll-outs."""

from __future__ import annotations

from .change import Waiting, sign_staged, waiting
from .create import create, delegate
from .prune import prune
from .publish import Published, promote, publish, set_rollout, withdraw
from .rotate import renew, revoke, rotate
from .status import Status, check

__all__ = [
    "Published",
    "Status",
    "Waiting",
    "check",
    "create",
    "delegate",
    "promote",
    "prune",
    "publish",
    "renew",
    "revoke",
    "rotate",
    "set_rollout",
    "sign_staged",
    "waiting",
    "withdraw",
]
