"""The Update Framework's repository as a folder of static files: roles and keys, publishing, channels, roll-outs.

    create(folder, keys); delegate(folder, "lite0", "stable", keys); publish(folder, keys, bundle, "stable")

Every change is made whole under a lock, signed with the keys that are here, and waits in `waiting/` where others must
sign. What clients see changes in one rename. Any static server serves it: names are relative, and no index is needed.
"""

from __future__ import annotations

from .check import Checked, Offered, Role, check
from .create import create, delegate
from .outcome import Outcome, Waiting
from .prune import Pruned, prune
from .publish import Published, promote, publish, publish_all, set_rollout, withdraw
from .renew import renew
from .rotate import add_keys, revoke, rotate, set_threshold
from .sign import drop, sign_file, sign_waiting

__all__ = [
    "Checked",
    "Offered",
    "Outcome",
    "Pruned",
    "Published",
    "Role",
    "Waiting",
    "add_keys",
    "check",
    "create",
    "delegate",
    "drop",
    "promote",
    "prune",
    "publish",
    "publish_all",
    "renew",
    "revoke",
    "rotate",
    "set_rollout",
    "set_threshold",
    "sign_file",
    "sign_waiting",
    "withdraw",
]
