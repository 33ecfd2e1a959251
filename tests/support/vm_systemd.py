"""Debian's systemd in a virtual board: what its installation would have set up for the units of a user and of root.

The packages are unpacked, and no maintainer's script is run: so the links that enable units, the session rules (PAM)
that give user pi a manager of its own, and the names of users are written here.
"""

from __future__ import annotations

from pathlib import Path

from platformdirs import user_cache_path
from sepia.devices import debian

from support.arm_root import PACKAGES

__all__ = ["INIT", "systemd_root", "write_systemd"]

INIT = "/lib/systemd/systemd"

# No device manager, no terminals to log in at, no network but the one that is set up already.
_OFF = (
    "getty.target",
    "proc-sys-fs-binfmt_misc.automount",
    "proc-sys-fs-binfmt_misc.mount",
    "serial-getty@ttyAMA0.service",
    "systemd-binfmt.service",
    "systemd-modules-load.service",
    "systemd-networkd.service",
    "systemd-resolved.service",
    "systemd-timesyncd.service",
    "systemd-udevd.service",
)
_ALLOWED = "auth required pam_permit.so\naccount required pam_permit.so\nsession required pam_permit.so\n"
_SESSION = _ALLOWED + "session optional pam_systemd.so\n"


def systemd_root() -> Path:
    """The unpacked packages of a board with systemd; shared, not to be written to. Raises BoardError."""
    more = ("bash", "coreutils", "dbus", "libpam-modules", "libpam-systemd", "login", "mount", "sudo")
    packages = (*PACKAGES, *more, "systemd", "systemd-sysv", "util-linux")
    return debian.make_root("arm64", "bookworm", packages, user_cache_path("sepia") / "debian")


def write_systemd(tree: Path) -> None:
    """Into the root `tree`: sshd at start, sudo for pi without a password, and pi's units run without a login."""
    units = tree / "etc/systemd/system"
    files = {
        "etc/passwd": "root:x:0:0:root:/root:/bin/sh\npi:x:1000:1000::/home/pi:/bin/sh\n"
        "sshd:x:101:65534::/run/sshd:/bin/false\nmessagebus:x:102:102::/:/bin/false\n",
        "etc/group": "root:x:0:\nsudo:x:27:pi\npi:x:1000:\nmessagebus:x:102:\nnogroup:x:65534:\n",
        "etc/fstab": "",
        "etc/hostname": "vmboard\n",
        "etc/machine-id": "5e91a0000000000000000000000000aa\n",
        "etc/sudoers": "pi ALL=(ALL) NOPASSWD: ALL\n",
        "etc/pam.d/other": _ALLOWED,
        "etc/pam.d/sudo": _ALLOWED,
        "etc/pam.d/sshd": _SESSION,
        "etc/pam.d/systemd-user": _SESSION,
    }
    for name, text in files.items():
        path = tree / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    (tree / "etc/sudoers").chmod(0o440)
    config = tree / "etc/ssh/sshd_config"
    config.write_text(config.read_text(encoding="utf-8").replace("UsePAM no", "UsePAM yes"), encoding="utf-8")
    for name in (*_OFF, "ssh.socket"):
        (units / name).symlink_to("/dev/null")
    (units / "default.target").symlink_to("/lib/systemd/system/multi-user.target")
    wanted = units / "multi-user.target.wants"
    wanted.mkdir()
    (wanted / "ssh.service").symlink_to("/lib/systemd/system/ssh.service")
